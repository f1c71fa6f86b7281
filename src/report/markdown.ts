import type { Result } from "../lab/result.ts";
import { type SheetCell, sheetOf } from "./sheet.ts";

/** Characters that would end a cell or start markup. */
export function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*[\]<>|]/g, "\\$&");
}

function cellText({ value, doubt }: SheetCell): string {
  return escapeMarkdown(doubt === undefined ? value : `${value} (${doubt.range}, ${doubt.basis})`);
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** A result for issues, pull requests and CI summaries: one table, every time with its range. */
export function renderMarkdown(result: Result): string {
  const sheet = sheetOf(result);
  const rows = sheet.rows.map(({ label, place, cells }) => {
    const name = escapeMarkdown(label);
    return line([place === "part" ? `&nbsp;&nbsp;${name}` : name, ...cells.map(cellText)]);
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
    line(["", ...sheet.columns.map(escapeMarkdown)]),
    line(["---", ...sheet.columns.map(() => "---:")]),
    ...rows,
    ...(remarks.length > 0 ? ["", ...remarks] : []),
    ...(expected.length > 0 ? ["", "Expectations:", "", ...expected] : []),
  ];
  return `${lines.join("\n")}\n`;
}
