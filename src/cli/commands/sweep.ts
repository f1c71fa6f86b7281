import { createHash } from "node:crypto";
import { type Command, Option } from "commander";
import { profileSha256 } from "../../cost/profile-checksum.ts";
import { RunStopped } from "../../lab/drive.ts";
import { generation } from "../../lab/kernels.ts";
import type { Result } from "../../lab/result.ts";
import { Grid, pointsOf, type Shard } from "../../lab/sweep/grid.ts";
import { checkPlan, type SweepPlan, shardSize, sweep } from "../../lab/sweep/sweep.ts";
import type { Session } from "../../lab/teardown.ts";
import { VERSION } from "../../lab/version.ts";
import type { Cell } from "../../report/rows.ts";
import type { Theme } from "../../report/svg-theme.ts";
import { ndjsonLine, sweepCells } from "../../report/sweep-rows.ts";
import { Failure } from "../../units/failure.ts";
import { addAxisOptions, givenAxes, strategyList } from "../axis-options.ts";
import { addAsciiOption, addThemeOption } from "../drawing-options.ts";
import { describeCommand } from "../help-text.ts";
import {
  addRunOptions,
  type Cli,
  type GlobalOptions,
  type RunOptions,
  runSession,
} from "../invocation.ts";
import {
  addJudgementOptions,
  type JudgementOptions,
  readJudgement,
  tellVerdict,
} from "../judgement.ts";
import { addOutputOptions, type OutputOptions, type Outputs } from "../outputs.ts";
import { ResumeFile } from "../resume-file.ts";
import { Interrupted } from "../signals.ts";
import { RowPrinter, renderSweep, SWEEP_FORMATS } from "../sweep-output.ts";
import { named, wholeNumber } from "../td-options.ts";
import { addWhatIfOption } from "../what-if-options.ts";

interface Options extends GlobalOptions, RunOptions, OutputOptions, JudgementOptions {
  readonly strategy?: readonly string[];
  readonly shard?: Shard;
  readonly resume?: string;
  readonly theme?: Theme;
}

/** Failed expectations that are told by themselves; a sweep may have thousands. */
const TOLD_MAX = 100;

export function define(command: Command, cli: Cli): void {
  describeCommand(
    command,
    "Make, populate and tear down a TD at every point of a grid. Rows come in grid order, the\n" +
      "last option of the list varying fastest; csv and ndjson are written as they come.",
    [
      "sweep --memory 1G..1T:x2 --vcpus 1,4,16,64",
      "sweep --memory 1G..64G:+1G --vcpus 1..16 -f csv --shard 1/4",
      "sweep --memory 1G..512G:+1G --resume rows.ndjson",
    ],
  );
  addAxisOptions(command);
  const strategies = "--strategy <strategies>";
  command.addOption(
    new Option(strategies, "strategies (default all of the kernel)").argParser(
      named(strategies, strategyList),
    ),
  );
  command.optionsGroup("Sweep options:");
  const shard = "--shard <i/n>";
  command.addOption(
    new Option(shard, "every n-th point from the i-th on, for CI jobs that share a grid").argParser(
      named(shard, parseShard),
    ),
  );
  command.option("--resume <file>", "write rows to an NDJSON file, going on where it ends");
  addRunOptions(command);
  addWhatIfOption(command);
  addJudgementOptions(command);
  addOutputOptions(command, SWEEP_FORMATS, ["svg"]);
  addAsciiOption(command);
  addThemeOption(command);
  command.action(() => run(cli, command.optsWithGlobals<Options>()));
}

function parseShard(text: string): Shard {
  const [, first = "", second = ""] = /^(\d{1,7})\/(\d{1,7})$/.exec(text) ?? [];
  const [index, of] = [first, second].map((digits) => (digits === "" ? 0 : wholeNumber(digits)));
  if (index !== undefined && of !== undefined && index >= 1 && index <= of) return { index, of };
  throw new Failure("usage", `"${text}" is not a shard`, { hint: "for example 1/4 ... 4/4" });
}

async function run(cli: Cli, options: Options): Promise<void> {
  if (options.baseline !== undefined) {
    throw new Failure("usage", "a baseline is of one run, not of a sweep", {
      hint: "put it into scenarios: tdx-sim run --baseline",
    });
  }
  const grid = new Grid(givenAxes(options));
  const strategies = options.strategy ?? null;
  const plan = { grid, strategies, shard: options.shard ?? { index: 1, of: 1 }, skip: 0 };
  checkPlan(plan);
  const work = new Sweep(cli, options, plan);
  const output: OutputOptions = options.resume === undefined ? options : withoutStdout(options);
  await runSession(cli, { ...options, ...output }, (session, outputs) =>
    work.run(session, outputs),
  );
}

/** The rows go to the file. */
function withoutStdout(options: Options): OutputOptions {
  const toStdout = options.format !== undefined || options.export?.some(({ file }) => file === "-");
  if (toStdout !== true) return { ...options, defaultFormat: null };
  throw new Failure("usage", "--resume writes NDJSON to its file, and nothing to stdout", {
    hint: "leave --format out, or --resume",
  });
}

/** One sweep on its way. */
class Sweep {
  readonly #cli: Cli;
  readonly #options: Options;
  readonly #plan: SweepPlan;
  /** Rows for the formats that are rendered when all are there. */
  readonly #rows: Cell[][] = [];
  readonly #failed: Result[] = [];
  #checked = 0;

  constructor(cli: Cli, options: Options, plan: SweepPlan) {
    this.#cli = cli;
    this.#options = options;
    this.#plan = plan;
  }

  async run(session: Session, outputs: Outputs): Promise<void> {
    const judgement = readJudgement(this.#options);
    for (const kernel of this.#kernels()) judgement.check(this.#planned(kernel));
    const grid = this.#gridName(session);
    const { resume } = this.#options;
    const file = resume === undefined ? null : ResumeFile.open(resume, this.#resumePlan(grid));
    const total = shardSize(this.#plan);
    const toStdout = this.#options.export?.find(({ file: path }) => path === "-");
    const format = file === null ? (toStdout?.format ?? this.#options.format ?? "table") : null;
    const printer = new RowPrinter(this.#cli.console, format);
    const { onProgress, ...inner } = session;
    let done = file?.done ?? 0;
    if (done > 0) this.#cli.console.note(`${done} of ${total} points are there already`);
    try {
      for await (const { point, result } of sweep({ ...this.#plan, skip: done }, inner)) {
        const rows = sweepCells(result, grid, point);
        const judged = judgement.apply(result);
        this.#note(judged, point);
        file?.append(rows.map(ndjsonLine).join(""));
        if (this.#keeps(printer)) this.#rows.push(...rows);
        await printer.add(rows);
        done += 1;
        onProgress?.(done, total, "sweep");
        if (this.#cli.console.readerGone) break;
        if (done < total && session.shouldStop?.() === true) throw new RunStopped("stopped");
      }
    } catch (error) {
      if (!(error instanceof RunStopped)) throw error;
      await this.#deliver(printer, outputs);
      throw this.#interrupted(done, total);
    } finally {
      file?.close();
    }
    await this.#deliver(printer, outputs);
    tellVerdict(this.#cli.console, this.#failed, this.#checked);
  }

  #keeps(printer: RowPrinter): boolean {
    const inFiles = (this.#options.export ?? []).some(({ file }) => file !== "-");
    return inFiles || (!printer.streams && this.#options.resume === undefined);
  }

  #note(judged: Result, point: number): void {
    const { expectations = [] } = judged;
    this.#checked += expectations.length;
    if (expectations.every(({ passed }) => passed)) return;
    if (this.#failed.length < TOLD_MAX) {
      this.#failed.push({ ...judged, td: { ...judged.td, name: `point ${point}` } });
    }
  }

  async #deliver(printer: RowPrinter, outputs: Outputs): Promise<void> {
    await printer.flush();
    await outputs.deliver((target) => {
      // What was printed as it came is not printed again.
      if (printer.streams && !target.isFile) return "";
      return renderSweep(this.#rows, target, this.#options.theme ?? "auto");
    });
  }

  #interrupted(done: number, total: number): Interrupted {
    const what = `interrupted after ${done} of ${total} points; their rows are kept`;
    const hint = "with --resume FILE the same command goes on where it ended";
    return new Interrupted(this.#cli.signals.received ?? "SIGINT", what, hint);
  }

  #kernels(): Set<string> {
    const { grid, shard } = this.#plan;
    const kernels = new Set<string>();
    for (const point of pointsOf(grid, shard)) kernels.add(grid.at(point).kernel);
    return kernels;
  }

  #planned(kernel: string): { strategy: string; kernel: string }[] {
    const own = generation(kernel).strategies.map(({ name }) => name);
    return (this.#plan.strategies ?? own).map((strategy) => ({ strategy, kernel }));
  }

  *#resumePlanPoints(): Generator<{ point: number; rows: number }> {
    const { grid, shard } = this.#plan;
    for (const point of pointsOf(grid, shard)) {
      yield { point, rows: this.#planned(grid.at(point).kernel).length };
    }
  }

  #resumePlan(grid: string) {
    return { grid, points: this.#resumePlanPoints() };
  }

  /** What identifies the grid and everything that its rows depend on. */
  #gridName({ profile, seed }: Session): string {
    const { fault = [], faultAny = false, whatIf = [] } = this.#options;
    const parts = {
      version: VERSION,
      axes: givenAxes(this.#options),
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
