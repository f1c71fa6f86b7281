/** Rows of a sweep on their way out: streamed to stdout, collected for files. */
import type { Result } from "../lab/result.ts";
import { VERSION } from "../lab/version.ts";
import { sweepLines } from "../report/chart.ts";
import { jsonText } from "../report/control-characters.ts";
import { render } from "../report/index.ts";
import type { Cell, FlatRow } from "../report/rows.ts";
import type { Theme } from "../report/svg-theme.ts";
import { CsvLines, ndjsonLine, sweepRecord, sweepTable } from "../report/sweep-rows.ts";
import { Failure } from "../units/failure.ts";
import type { Console } from "./console.ts";
import type { Content, Target } from "./outputs.ts";

/** Formats that tell of expectations, not of rows. */
const REPORTS = ["junit", "github", "tap"] as const;

export function isReport(format: string | undefined): format is (typeof REPORTS)[number] {
  return REPORTS.some((report) => report === format);
}

/** Characters that are written at once, and how long none of them waits for more. */
const PIECE = 64 * 1024;
const WAIT_MS = 100;

/** A format that can be written row by row. */
interface Stream {
  readonly head: string;
  line(cells: readonly Cell[]): string;
}

function streamOf(format: string): Stream | null {
  if (format === "csv") return new CsvLines();
  return format === "ndjson" ? { head: "", line: ndjsonLine } : null;
}

/** Prints rows as they come, where the format allows it. */
export class RowPrinter {
  readonly #console: Console;
  readonly #stream: Stream | null;
  #waiting: string;
  #printedAt = Number.NEGATIVE_INFINITY;

  constructor(console: Console, format: string | null) {
    this.#console = console;
    this.#stream = format === null ? null : streamOf(format);
    this.#waiting = this.#stream?.head ?? "";
  }

  /** Whether rows leave as they come; otherwise they have to be kept. */
  get streams(): boolean {
    return this.#stream !== null;
  }

  async add(rows: readonly (readonly Cell[])[]): Promise<void> {
    if (this.#stream === null) return;
    for (const row of rows) this.#waiting += this.#stream.line(row);
    const isLate = performance.now() - this.#printedAt > WAIT_MS;
    if (isLate || this.#waiting.length > PIECE) await this.flush();
  }

  async flush(): Promise<void> {
    const text = this.#waiting;
    this.#waiting = "";
    this.#printedAt = performance.now();
    await this.#console.print(text);
  }
}

/** All rows of a sweep in one format; reports are made of the judged results. */
export async function renderSweep(
  rows: readonly (readonly Cell[])[],
  judged: readonly Result[],
  target: Target,
  theme: Theme,
): Promise<Content> {
  const stream = streamOf(target.format);
  if (stream !== null) return linesOf(stream, rows);
  const { format } = target;
  if (isReport(format)) return render(judged, { ...target, format });
  if (format === "json") return sweepDocument(rows);
  const records = rows.map(sweepRecord);
  switch (format) {
    case "table":
      return text(table(records, target));
    case "markdown":
      return text([
        `**SIMULATED teardowns, ${origin(records)}**`,
        "",
        ...sweepTable(records, true),
      ]);
    case "svg":
      return (await import("../report/svg-sweep.ts")).renderSweepSvg(records, theme) ?? notDrawn();
    default:
      throw new Error(`a sweep has no format ${format}`);
  }
}

function notDrawn(): never {
  throw new Failure("usage", "there is nothing to draw a line over: no axis has two values");
}

function* linesOf(stream: Stream, rows: readonly (readonly Cell[])[]): Generator<string> {
  yield stream.head;
  for (const row of rows) yield stream.line(row);
}

/** `tdx-sim/sweep/v1`: a head, and rows as in NDJSON, one a line. */
export function* sweepDocument(rows: readonly (readonly Cell[])[]): Generator<string> {
  const head = jsonText({ schema: "tdx-sim/sweep/v1", simulated: true, version: VERSION });
  yield `${head.slice(0, -1)},"rows":[`;
  for (const [i, cells] of rows.entries()) {
    yield `${i === 0 ? "" : ","}\n${jsonText(sweepRecord(cells))}`;
  }
  yield "\n]}\n";
}

function table(records: readonly FlatRow[], { width, unicode }: Target): string[] {
  const chart = sweepLines(records, { width, unicode });
  return [
    `SIMULATED teardowns, ${origin(records)}`,
    "",
    ...sweepTable(records, false),
    ...(chart.length === 0 ? [] : ["", ...chart]),
  ];
}

function origin(records: readonly FlatRow[]): string {
  return `tdx-sim ${VERSION}, cost profile ${records[0]?.["profile.name"] ?? "-"}`;
}

function text(lines: readonly string[]): string {
  return `${lines.join("\n")}\n`;
}
