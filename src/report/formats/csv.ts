import { type Run, resultsOf } from "../../lab/result.ts";
import { escapeControls } from "../control-characters.ts";
import type { RowStream } from "../format.ts";
import { type Cell, type FlatRow, flatRows } from "../rows.ts";
import { CsvLines } from "../sweep-rows.ts";

export const about = "a row per strategy, or per TD, below the names of the fields";

/** A header and one record for each strategy of each run. */
export function render(runs: readonly Run[]): Promise<string> {
  const rows = resultsOf(runs).flatMap(flatRows);
  return csvText(Object.keys(rows[0] ?? {}), rows);
}

export function rowStream(): RowStream {
  return new CsvLines();
}

/**
 * Rows under their column names (RFC 4180, LF). A text that a spreadsheet would take for a formula
 * gets an apostrophe before it.
 */
export async function csvText(
  columns: readonly string[],
  rows: readonly FlatRow[],
): Promise<string> {
  const { stringify } = await import("csv-stringify/sync");
  const records = rows.map((row) => columns.map((column) => cellOf(row[column])));
  return stringify([[...columns], ...records], { escape_formulas: true });
}

function cellOf(value: Cell | undefined): string | number {
  if (value === null || value === undefined) return "";
  return typeof value === "number" ? value : escapeControls(String(value));
}
