/** Characters that would end a cell or start markup. */
export function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*[\]<>|]/g, "\\$&");
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
