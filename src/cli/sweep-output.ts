/** Rows of a sweep on their way out: streamed to stdout, collected for files. */
import type { Result } from "../lab/result.ts";
import type { Content, RowStream } from "../report/format.ts";
import { formatNamed, isFormat, render } from "../report/render.ts";
import type { Cell } from "../report/rows.ts";
import type { Theme } from "../report/svg-theme.ts";
import { sweepRecord } from "../report/sweep-rows.ts";
import { Failure } from "../units/failure.ts";
import type { Console } from "./console.ts";
import type { OutputFormat, Target } from "./outputs.ts";

/** Characters that are written at once, and how long none of them waits for more. */
const PIECE = 64 * 1024;
const WAIT_MS = 100;

/** Whether a format tells of judged results, not of rows. */
export async function isReport(format: OutputFormat | undefined): Promise<boolean> {
  if (format === undefined || !isFormat(format)) return false;
  const { rowStream, renderRows } = await formatNamed(format);
  return rowStream === undefined && renderRows === undefined;
}

/** How rows of a format are written as they come; null where they have to be kept. */
export async function streamOf(format: OutputFormat | null): Promise<RowStream | null> {
  if (format === null || !isFormat(format)) return null;
  return (await formatNamed(format)).rowStream?.() ?? null;
}

/** Prints rows as they come, where the format allows it. */
export class RowPrinter {
  readonly #console: Console;
  readonly #stream: RowStream | null;
  #waiting: string;
  #printedAt = Number.NEGATIVE_INFINITY;

  constructor(console: Console, stream: RowStream | null) {
    this.#console = console;
    this.#stream = stream;
    this.#waiting = stream?.head ?? "";
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
  const { format } = target;
  if (format === "svg") {
    const { renderSweepSvg } = await import("../report/svg-sweep.ts");
    return renderSweepSvg(rows.map(sweepRecord), theme) ?? notDrawn();
  }
  if (!isFormat(format)) throw new Error(`a sweep has no format ${format}`);
  const { rowStream, renderRows } = await formatNamed(format);
  if (rowStream !== undefined) return linesOf(rowStream(), rows);
  return renderRows?.(rows, target) ?? render(judged, { ...target, format });
}

function notDrawn(): never {
  throw new Failure("usage", "there is nothing to draw a line over: no axis has two values");
}

function* linesOf(stream: RowStream, rows: readonly (readonly Cell[])[]): Generator<string> {
  yield stream.head;
  for (const row of rows) yield stream.line(row);
}
