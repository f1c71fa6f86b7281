/** Rows of a sweep as lines that can be written as they come. */
import type { Result } from "../lab/result.ts";
import { VERSION } from "../lab/version.ts";
import { formatCount } from "../units/count.ts";
import { formatDuration, formatDurationRange } from "../units/duration.ts";
import { formatSize } from "../units/size.ts";
import { escapeControls, jsonText } from "./control-characters.ts";
import { alignColumns } from "./layout.ts";
import { escapeMarkdown, markdownRow } from "./markdown-text.ts";
import { type Cell, COLUMNS, cellRows, type FlatRow } from "./rows.ts";

/** What every row of a sweep has besides: which grid, and which of its points. */
export const POINT_COLUMNS = ["sweep.grid", "sweep.point"] as const;
const SWEEP_COLUMN_NAMES: readonly string[] = [
  ...COLUMNS.map(({ name }) => name),
  ...POINT_COLUMNS,
];

/** The cells of a point, a row for each strategy, in the order of the names. */
export function sweepCells(result: Result, grid: string, point: number): Cell[][] {
  const rows = cellRows(result);
  for (const row of rows) row.push(grid, point);
  return rows;
}

export function sweepRecord(cells: readonly Cell[]): FlatRow {
  return Object.fromEntries(SWEEP_COLUMN_NAMES.map((name, i) => [name, cells[i] ?? null]));
}

/** Text that a spreadsheet would take for a formula gets an apostrophe before it. */
const FORMULA = /^[=+\-@\t\r]/;
const QUOTED = /[",\n\r]/;

function csvCell(cell: Cell): string {
  if (typeof cell === "number") return String(cell);
  if (cell === null) return "";
  let text = escapeControls(String(cell));
  if (FORMULA.test(text)) text = `'${text}`;
  return QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Writes CSV lines as `csv-stringify` does for whole results, without its set-up for each point.
 * Half of the cells are those of the line before, and most texts come again and again.
 */
export class CsvLines {
  /** Of the line before, by column. */
  readonly #cells: Cell[] = [];
  readonly #texts: string[] = [];
  readonly #escaped = new Map<string, string>();

  readonly head = `${SWEEP_COLUMN_NAMES.join(",")}\n`;

  line(cells: readonly Cell[]): string {
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i] as Cell;
      if (cell === this.#cells[i]) continue;
      this.#cells[i] = cell;
      this.#texts[i] = typeof cell === "string" ? this.#text(cell) : csvCell(cell);
    }
    return `${this.#texts.join(",")}\n`;
  }

  #text(text: string): string {
    let escaped = this.#escaped.get(text);
    if (escaped === undefined) {
      escaped = csvCell(text);
      if (this.#escaped.size < 1000) this.#escaped.set(text, escaped);
    }
    return escaped;
  }
}

export function ndjsonLine(cells: readonly Cell[]): string {
  return `${jsonText(sweepRecord(cells))}\n`;
}

/** What made the rows, for whoever reads them. */
export function sweepOrigin(records: readonly FlatRow[]): string {
  return `tdx-sim ${VERSION}, cost profile ${records[0]?.["profile.name"] ?? "-"}`;
}

const HEADER = ["Memory", "vCPUs", "Pages", "Kernel", "Strategy", "SEAMCALLs", "Time", "Range"];
const RIGHT = new Set(["Memory", "vCPUs", "SEAMCALLs", "Time"]);

/** The rows for people: what varies and what came out, columns that never vary left out. */
export function sweepTable(rows: readonly FlatRow[], isMarkdown: boolean): string[] {
  const cells = rows.map((row) => [
    formatSize(Number(row["memoryBytes"])),
    formatCount(Number(row["vcpus"])),
    String(row["pageSize"]),
    escapeControls(String(row["kernel"])),
    escapeControls(String(row["strategy"])),
    formatCount(Number(row["seamcalls.total"])),
    formatDuration(Number(row["elapsedNs.mid"])),
    formatDurationRange(Number(row["elapsedNs.low"]), Number(row["elapsedNs.high"])) +
      `, ${String(row["elapsedNs.basis"])}${row["elapsedNs.extrapolated"] === true ? "*" : ""}`,
  ]);
  const head = [...HEADER];
  const kept = head.map((name, i) => !["Pages", "Kernel"].includes(name) || varies(cells, i));
  const table = [head, ...cells].map((row) => row.filter((_, i) => kept[i]));
  const [names = [], ...body] = table;
  const aligns = names.map((name) => (RIGHT.has(name) ? "right" : "left"));
  const note = rows.some((row) => row["elapsedNs.extrapolated"] === true)
    ? ["", "* extrapolated: beyond what the cost profile saw"]
    : [];
  if (!isMarkdown) return [...alignColumns(table, { aligns }), ...note];
  const line = (row: readonly string[]): string => markdownRow(row.map(escapeMarkdown));
  const rules = aligns.map((align) => (align === "right" ? "---:" : "---"));
  return [line(names), markdownRow(rules), ...body.map(line), ...note.map(escapeMarkdown)];
}

function varies(cells: readonly (readonly string[])[], column: number): boolean {
  return new Set(cells.map((row) => row[column])).size > 1;
}
