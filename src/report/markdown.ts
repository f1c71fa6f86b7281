import { isFailed, type Result, type Run } from "../lab/result.ts";
import { escapeControls } from "./control-characters.ts";
import { type SheetCell, sheetOf } from "./sheet.ts";

/** Characters that would end a cell or start markup. */
export function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*[\]<>|]/g, "\\$&");
}

function cellText({ value, doubt }: SheetCell): string {
  return escapeMarkdown(doubt === undefined ? value : `${value} (${doubt.range}, ${doubt.basis})`);
}

/** As `escapeMarkdown`, for texts that may begin or end with an underscore. */
export function escapeText(text: string): string {
  return escapeMarkdown(text).replaceAll("_", "\\_");
}

/** A line of a table, of cells that are Markdown already. */
export function markdownRow(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** A table of texts. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const body = rows.map((row) => markdownRow(row.map(escapeText)));
  return [markdownRow(head), markdownRow(head.map(() => "---")), ...body];
}

/** For issues, pull requests and CI summaries: a table for each run, every time with its range. */
export function renderMarkdown(runs: readonly Run[]): string {
  const texts = runs.map((run) => {
    if (!isFailed(run)) return document(run);
    const head = `**SIMULATED run, scenario ${run.scenario.name}: no result**`;
    return `${head}\n\n${escapeMarkdown(escapeControls(run.error.message))}\n`;
  });
  return texts.join("\n");
}

function document(result: Result): string {
  const sheet = sheetOf(result);
  const rows = sheet.rows.map(({ label, place, cells }) => {
    const name = escapeMarkdown(label);
    return markdownRow([place === "part" ? `&nbsp;&nbsp;${name}` : name, ...cells.map(cellText)]);
  });
  const remarks = [...sheet.verdicts, ...sheet.notes].map((text) => `- ${escapeMarkdown(text)}`);
  const expected = sheet.expectations.map(({ text }) => `- ${escapeMarkdown(text)}`);
  const lines = [
    `**${escapeMarkdown(sheet.title)}**`,
    "",
    escapeMarkdown(sheet.provenance),
    "",
    ...sheet.facts.map(([label, text]) => `- ${label}: ${escapeMarkdown(text)}`),
    "",
    markdownRow(["", ...sheet.columns.map(escapeMarkdown)]),
    markdownRow(["---", ...sheet.columns.map(() => "---:")]),
    ...rows,
    ...(remarks.length > 0 ? ["", ...remarks] : []),
    ...(expected.length > 0 ? ["", "Expectations:", "", ...expected] : []),
  ];
  return `${lines.join("\n")}\n`;
}
