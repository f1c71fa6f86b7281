/** Documents that are rows of flat fields: TDs, generations of a store, leaves, versions. */
import { escapeControls, jsonText } from "../report/control-characters.ts";
import type { FormatName } from "../report/index.ts";
import { alignColumns } from "../report/layout.ts";
import type { SchemaName } from "../report/schema-names.ts";
import type { Render, Target } from "./outputs.ts";

/** The formats that these documents have. */
export const RECORD_FORMATS = [
  "table",
  "json",
  "ndjson",
  "csv",
  "markdown",
] as const satisfies readonly FormatName[];

export type Cell = string | number | boolean | null;
export type Row = Readonly<Record<string, Cell>>;

export interface Records {
  /** The document for `json`: versioned plain data. */
  readonly json: unknown;
  /** Same fields in every row; for `ndjson`, `csv` and `markdown`. */
  readonly rows: readonly Row[];
  /** What lines of `ndjson` say they keep to, where the rows do not say it themselves. */
  readonly rowSchema?: SchemaName;
  /** Names of the fields in order; by default those of the first row. */
  readonly columns?: readonly string[];
  /** The lines for `table`; by default the rows in columns. */
  readonly table?: (target: Target) => readonly string[];
}

/** Renders records for `Outputs.deliver`. */
export function recordsDocument(records: Records): Render {
  return (target) => renderRecords(records, target);
}

function renderRecords(records: Records, target: Target): string | Promise<string> {
  const { json, rows, rowSchema, table } = records;
  const head = rowSchema === undefined ? {} : { schema: `tdx-sim/${rowSchema}/v1` };
  const names = records.columns ?? Object.keys(rows[0] ?? {});
  switch (target.format) {
    case "json":
      return `${jsonText(json, 2)}\n`;
    case "ndjson":
      return lines(rows.map((row) => jsonText({ ...head, ...row })));
    case "csv":
      return csv(names, rows);
    case "markdown":
      return lines(markdown(names, rows));
    case "table":
      return lines(table?.(target).map(escapeControls) ?? columns(names, rows));
    default:
      throw new Error(`records have no format ${target.format}`);
  }
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join("");
}

/** Rows under their field names, numbers to the right. */
function columns(names: readonly string[], rows: readonly Row[]): string[] {
  const aligns = names.map((name) =>
    rows.every((row) => typeof row[name] === "number") ? "right" : "left",
  );
  const cells = rows.map((row) => names.map((name) => text(row[name], "-")));
  return alignColumns([names, ...cells], { aligns });
}

function text(cell: Cell | undefined, none: string): string {
  return cell === null || cell === undefined ? none : escapeControls(String(cell));
}

function markdown(names: readonly string[], rows: readonly Row[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const escaped = (cell: Cell | undefined): string =>
    text(cell, "").replace(/[\\`*[\]<>|_]/g, "\\$&");
  const body = rows.map((row) => line(names.map((name) => escaped(row[name]))));
  return names.length === 0 ? [] : [line(names), line(names.map(() => "---")), ...body];
}

async function csv(names: readonly string[], rows: readonly Row[]): Promise<string> {
  const { stringify } = await import("csv-stringify/sync");
  const cells = rows.map((row) => names.map((name) => text(row[name], "")));
  return names.length === 0 ? "" : stringify([[...names], ...cells], { escape_formulas: true });
}
