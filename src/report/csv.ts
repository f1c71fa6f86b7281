import type { Result } from "../lab/result.ts";
import { escapeControls } from "./control-characters.ts";
import { type FlatRow, flatRows } from "./rows.ts";

function cellOf(value: FlatRow[string] | undefined): string | number {
  if (value === null || value === undefined) return "";
  return typeof value === "number" ? value : escapeControls(String(value));
}

/**
 * A header and one record for each strategy of each run (RFC 4180, LF). A text that a spreadsheet
 * would take for a formula gets an apostrophe before it.
 */
export async function renderCsvOf(results: readonly Result[]): Promise<string> {
  const { stringify } = await import("csv-stringify/sync");
  const rows = results.flatMap(flatRows);
  const columns = Object.keys(rows[0] ?? {});
  const records = rows.map((row) => columns.map((column) => cellOf(row[column])));
  return stringify([columns, ...records], { escape_formulas: true });
}

export function renderCsv(result: Result): Promise<string> {
  return renderCsvOf([result]);
}
