/** Documents that are rows of flat fields: TDs, generations of a store, leaves, versions. */
import { escapeControls, jsonText } from "../control-characters.ts";
import { csvText } from "../formats/csv.ts";
import { alignColumns } from "../layout.ts";
import { markdownTable } from "../markdown-text.ts";
import type { FormatName } from "../render.ts";
import type { FlatRow } from "../rows.ts";
import type { SchemaName } from "../schema-names.ts";

/** The formats that these documents have. */
export const RECORD_FORMATS = [
  "table",
  "json",
  "ndjson",
  "csv",
  "markdown",
] as const satisfies readonly FormatName[];

/** What a document is printed as. */
interface Look {
  readonly format: string;
  readonly width: number;
}

/** A document in the format asked for, one of `RECORD_FORMATS`. */
export type RecordsDocument = (look: Look) => string | Promise<string>;

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
  readonly table?: (look: Look) => readonly string[];
}

export function recordsDocument(records: Records): RecordsDocument {
  return (look) => renderRecords(records, look);
}

function renderRecords(records: Records, look: Look): string | Promise<string> {
  const { json, rows, rowSchema, table } = records;
  const head = rowSchema === undefined ? {} : { schema: `tdx-sim/${rowSchema}/v1` };
  const names = records.columns ?? Object.keys(rows[0] ?? {});
  switch (look.format) {
    case "json":
      return `${jsonText(json, 2)}\n`;
    case "ndjson":
      return lines(rows.map((row) => jsonText({ ...head, ...row })));
    case "csv":
      return names.length === 0 ? "" : csvText(names, rows);
    case "markdown":
      return lines(names.length === 0 ? [] : markdownTable(names, textsOf(names, rows, "")));
    case "table":
      return lines(table?.(look).map(escapeControls) ?? columns(names, rows));
    default:
      throw new Error(`records have no format ${look.format}`);
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
