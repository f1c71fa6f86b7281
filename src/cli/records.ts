/** Documents that are rows of flat fields: TDs, generations of a store, leaves, versions. */
import { escapeControls, jsonText } from "../report/control-characters.ts";
import { csvText } from "../report/formats/csv.ts";
import { alignColumns } from "../report/layout.ts";
import { markdownTable } from "../report/markdown-text.ts";
import type { FormatName } from "../report/render.ts";
import type { FlatRow } from "../report/rows.ts";
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

export interface Records {
  /** The document for `json`: versioned plain data. */
  readonly json: unknown;
  /** Same fields in every row; for `ndjson`, `csv` and `markdown`. */
  readonly rows: readonly FlatRow[];
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
      return names.length === 0 ? "" : csvText(names, rows);
    case "markdown":
      return lines(names.length === 0 ? [] : markdownTable(names, textsOf(names, rows, "")));
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
function columns(names: readonly string[], rows: readonly FlatRow[]): string[] {
  const aligns = names.map((name) =>
    rows.every((row) => typeof row[name] === "number") ? "right" : "left",
  );
  return alignColumns([names, ...textsOf(names, rows, "-")], { aligns });
}

function textsOf(names: readonly string[], rows: readonly FlatRow[], none: string): string[][] {
  return rows.map((row) => names.map((name) => escapeControls(String(row[name] ?? none))));
}
