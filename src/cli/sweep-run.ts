/** One sweep from its settings to its last row. */
import { createHash } from "node:crypto";
import { profileSha256 } from "../cost/profile-checksum.ts";
import { RunStopped } from "../lab/drive.ts";
import { generation } from "../lab/kernels.ts";
import type { Result } from "../lab/result.ts";
import { type Axis, Grid, pointsOf, type Shard } from "../lab/sweep/grid.ts";
import { checkPlan, type SweepPlan, shardSize, sweep } from "../lab/sweep/sweep.ts";
import type { Session } from "../lab/teardown.ts";
import { VERSION } from "../lab/version.ts";
import type { Cell } from "../report/rows.ts";
import type { Theme } from "../report/svg-theme.ts";
import { ndjsonLine, sweepCells } from "../report/sweep-rows.ts";
import { Failure } from "../units/failure.ts";
import { type Cli, type GlobalOptions, type RunOptions, runSession } from "./invocation.ts";
import {
  type Judgement,
  type JudgementOptions,
  readJudgement,
  readSweepBaseline,
  tellVerdict,
} from "./judgement.ts";
import type { OutputOptions, Outputs } from "./outputs.ts";
import { ResumeFile } from "./resume-file.ts";
import { openRunRecord, type RecordOptions, type RunRecord } from "./run-record.ts";
import { Interrupted } from "./signals.ts";
import { appendSummary, wantsSummary } from "./step-summary.ts";
import { isReport, RowPrinter, renderSweep, streamOf } from "./sweep-output.ts";
import { sweepRecord } from "./sweep-record.ts";
import { optimiseSoon } from "./v8-flags.ts";

export interface SweepOptions
  extends GlobalOptions,
    RunOptions,
    OutputOptions,
    JudgementOptions,
    RecordOptions {
  /** Outermost first. */
  readonly axes: readonly Axis[];
  readonly strategy?: readonly string[];
  readonly shard?: Shard;
  readonly resume?: string;
  readonly theme?: Theme;
}

/** Failed expectations that are told by themselves; a sweep may have thousands. */
const TOLD_MAX = 100;

/** Points whose run is long enough to be optimised for. */
const MANY_POINTS = 100;

export async function runSweep(cli: Cli, given: SweepOptions): Promise<void> {
  // A grid is known by its digest, which is not to depend on who put the axes together.
  const options = { ...given, axes: inKeyOrder(given.axes) };
  const grid = new Grid(options.axes);
  const strategies = options.strategy ?? null;
  const plan = { grid, strategies, shard: options.shard ?? { index: 1, of: 1 }, skip: 0 };
  if (shardSize(plan) >= MANY_POINTS) optimiseSoon();
  const kernels = checkPlan(plan);
  const judgement = readJudgement(options, readSweepBaseline);
  const work = new Sweep(cli, options, plan, judgement);
  for (const kernel of kernels) judgement.check(work.planned(kernel));
  const output: OutputOptions =
    options.resume === undefined ? options : await withoutStdout(options);
  await runSession(cli, { ...options, ...output }, async (session, outputs) => {
    const record = openRunRecord(options.out);
    try {
      await work.run(session, outputs, record);
    } finally {
      record?.discard();
    }
  });
}

function inKeyOrder<T>(value: T): T {
  if (Array.isArray(value)) return value.map(inKeyOrder) as T;
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, each]) => [key, inKeyOrder(each)])) as T;
}

/** The rows go to the file. */
async function withoutStdout(options: SweepOptions): Promise<OutputOptions> {
  const toStdout = options.format !== undefined || options.export?.some(({ file }) => file === "-");
  if (toStdout === true) {
    throw new Failure("usage", "--resume writes NDJSON to its file, and nothing to stdout", {
      hint: "leave --format out, or --resume",
    });
  }
  const report = await firstReport(options);
  if (report === undefined) return { ...options, defaultFormat: null };
  throw new Failure("usage", `${report} tells of every point, --resume only of those to come`, {
    hint: "leave --resume out",
  });
}

/** The first format asked for that tells of judged results; undefined where there is none. */
async function firstReport({ format, export: exports = [] }: OutputOptions) {
  for (const each of [format, ...exports.map((one) => one.format)]) {
    if (await isReport(each)) return each;
  }
  return undefined;
}

class Sweep {
  readonly #cli: Cli;
  readonly #options: SweepOptions;
  readonly #plan: SweepPlan;
  readonly #judgement: Judgement;
  /** Rows for the formats that are rendered when all are there. */
  readonly #rows: Cell[][] = [];
  /** Results for the formats that tell of expectations. */
  readonly #judged: Result[] = [];
  readonly #failed: Result[] = [];
  #checked = 0;

  constructor(cli: Cli, options: SweepOptions, plan: SweepPlan, judgement: Judgement) {
    this.#cli = cli;
    this.#options = options;
    this.#plan = plan;
    this.#judgement = judgement;
  }

  async run(session: Session, outputs: Outputs, record: RunRecord | null): Promise<void> {
    const grid = this.#gridName(session);
    const { resume } = this.#options;
    const file = resume === undefined ? null : ResumeFile.open(resume, this.#resumePlan(grid));
    const toStdout = this.#options.export?.find(({ file: path }) => path === "-");
    const format = file === null ? (toStdout?.format ?? this.#options.format ?? "table") : null;
    const printer = new RowPrinter(this.#cli.console, await streamOf(format));
    try {
      await this.#sweep(session, printer, file, grid);
    } catch (error) {
      // What is there is delivered, and only then said that it is not all.
      if (error instanceof Interrupted) await this.#deliver(printer, outputs);
      throw error;
    } finally {
      file?.close();
    }
    await this.#deliver(printer, outputs);
    record?.write(sweepRecord(this.#options, this.#judgement, session, this.#rows));
    tellVerdict(this.#cli.console, this.#failed, this.#checked);
  }

  /** @throws Interrupted */
  async #sweep(session: Session, printer: RowPrinter, file: ResumeFile | null, grid: string) {
    const total = shardSize(this.#plan);
    const { onProgress, ...inner } = session;
    const keepsRows = this.#keepsRows(printer);
    const keepsResults = (await firstReport(this.#options)) !== undefined;
    let done = file?.done ?? 0;
    if (done > 0) this.#cli.console.note(`${done} of ${total} points are there already`);
    if (keepsRows) for (const row of file?.rows() ?? []) this.#rows.push(Object.values(row));
    try {
      for await (const { point, result } of sweep({ ...this.#plan, skip: done }, inner)) {
        const rows = sweepCells(result, grid, point);
        const judged = this.#judgement.apply(result, point);
        this.#note(judged, point);
        if (keepsResults) this.#judged.push(titled(judged, point));
        file?.append(rows.map(ndjsonLine).join(""));
        if (keepsRows) this.#rows.push(...rows);
        await printer.add(rows);
        done += 1;
        onProgress?.(done, total, "sweep");
        if (this.#cli.console.readerGone) break;
        if (done < total && session.shouldStop?.() === true) throw new RunStopped("stopped");
      }
    } catch (error) {
      if (!(error instanceof RunStopped)) throw error;
      throw this.#interrupted(done, total);
    }
  }

  #keepsRows(printer: RowPrinter): boolean {
    const { export: exports = [], out, resume } = this.#options;
    const inFiles = exports.some(({ file }) => file !== "-") || out !== undefined;
    return inFiles || this.#wantsSummary() || (!printer.streams && resume === undefined);
  }

  #wantsSummary(): boolean {
    return wantsSummary(this.#cli.console, this.#options);
  }

  #note(judged: Result, point: number): void {
    const { expectations = [] } = judged;
    this.#checked += expectations.length;
    if (expectations.every(({ passed }) => passed)) return;
    if (this.#failed.length < TOLD_MAX) this.#failed.push(titled(judged, point));
  }

  async #deliver(printer: RowPrinter, outputs: Outputs): Promise<void> {
    const { theme = "auto" } = this.#options;
    await printer.flush();
    await outputs.deliver((target) => {
      // What was printed as it came is not printed again.
      if (printer.streams && !target.isFile) return "";
      return renderSweep(this.#rows, this.#judged, target, theme);
    });
    if (!this.#wantsSummary()) return;
    const target = { format: "markdown", color: false, width: 80, unicode: false } as const;
    const text = await renderSweep(this.#rows, [], { ...target, isFile: true }, theme);
    appendSummary(this.#cli.console, [...text].join(""));
  }

  #interrupted(done: number, total: number): Interrupted {
    const what = `interrupted after ${done} of ${total} points; their rows are kept`;
    const hint = "with --resume FILE the same command goes on where it ended";
    return new Interrupted(this.#cli.signals.received ?? "SIGINT", what, hint);
  }

  planned(kernel: string): { strategy: string; kernel: string }[] {
    const own = generation(kernel).strategies.map(({ name }) => name);
    return (this.#plan.strategies ?? own).map((strategy) => ({ strategy, kernel }));
  }

  *#resumePlanPoints(): Generator<{ point: number; rows: number }> {
    const { grid, shard } = this.#plan;
    for (const point of pointsOf(grid, shard)) {
      yield { point, rows: this.planned(grid.at(point).kernel).length };
    }
  }

  #resumePlan(grid: string) {
    return { grid, points: this.#resumePlanPoints() };
  }

  /** What identifies the grid and everything that its rows depend on. */
  #gridName({ profile, seed }: Session): string {
    const { fault = [], faultAny = false, whatIf = [], axes } = this.#options;
    const parts = {
      version: VERSION,
      axes,
      strategies: this.#plan.strategies,
      profile: profileSha256(profile),
      seed,
      fault,
      faultAny,
      whatIf,
    };
    return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
  }
}

function titled(result: Result, point: number): Result {
  return { ...result, td: { ...result.td, name: `point ${point}` } };
}
