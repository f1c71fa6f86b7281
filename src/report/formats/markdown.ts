import { isFailed, type Result, type Run } from "../../lab/result.ts";
import { escapeControls } from "../control-characters.ts";
import { escapeMarkdown, markdownRow } from "../markdown-text.ts";
import type { Cell } from "../rows.ts";
import { type SheetCell, sheetOf } from "../sheet.ts";
import { sweepOrigin, sweepRecord, sweepTable } from "../sweep-rows.ts";

export const about = "for mails and issues";

function cellText({ value, doubt }: SheetCell): string {
  return escapeMarkdown(doubt === undefined ? value : `${value} (${doubt.range}, ${doubt.basis})`);
}

/** For issues, pull requests and CI summaries: a table for each run, every time with its range. */
export function render(runs: readonly Run[]): string {
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

export function renderRows(rows: readonly (readonly Cell[])[]): string {
  const records = rows.map(sweepRecord);
  const head = `**SIMULATED teardowns, ${sweepOrigin(records)}**`;
  return `${[head, "", ...sweepTable(records, true)].join("\n")}\n`;
}
