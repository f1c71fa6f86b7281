import type { Command } from "commander";
import { type FailedRun, isFailed, type Run, resultsOf } from "../../lab/result.ts";
import { plannedStrategies, type Scenario } from "../../lab/scenario/scenario.ts";
import type { Session } from "../../lab/teardown.ts";
import { DRAWING_NAMES, FORMAT_NAMES, isDrawing, isFormat, render } from "../../report/render.ts";
import { Failure } from "../../units/failure.ts";
import { addDrawingOptions, type DrawingOptions, Drawings } from "../drawing-options.ts";
import { exitCodeOf } from "../exit-codes.ts";
import { problemOf } from "../failure-report.ts";
import { describeCommand } from "../help-text.ts";
import { type Cli, type GlobalOptions, runSession } from "../invocation.ts";
import {
  addJudgementOptions,
  type Judgement,
  type JudgementOptions,
  readJudgement,
  verdictOf,
} from "../judgement.ts";
import { addOutputOptions } from "../outputs.ts";
import {
  addRecordOption,
  openRunRecord,
  type RecordOptions,
  type RunRecord,
  recordDirectories,
  scenarioRecord,
} from "../run-record.ts";
import { readScenario, readScenarioText, saysSweepConfig } from "../scenario-input.ts";
import { appendStepSummary } from "../step-summary.ts";
import { inlineDeeply } from "../v8-flags.ts";

type Options = GlobalOptions &
  DrawingOptions &
  JudgementOptions &
  RecordOptions & { readonly step?: boolean };

export function define(command: Command, cli: Cli): void {
  describeCommand(
    command,
    "Run scenario files (YAML or JSON): a TD, what happens to it, and what is expected of its\n" +
      "teardowns. Exits 1 when an expectation fails. tdx-sim help scenario tells the format.",
    ["run guard.yaml", "run scenarios/*.yaml --export junit=report.xml", "run - < guard.yaml"],
  );
  command.argument("<scenario...>", "scenario files; - is stdin");
  command.optionsGroup("Run options:");
  command.option("--step", "make every SEAMCALL one by one");
  addJudgementOptions(command);
  addOutputOptions(command, FORMAT_NAMES, DRAWING_NAMES);
  addDrawingOptions(command);
  addRecordOption(command);
  command.action((files: string[]) => run(cli, files, command.optsWithGlobals<Options>()));
}

/** A scenario on its way through a run. */
interface Part {
  readonly scenario: Scenario;
  readonly record: RunRecord | null;
}

async function run(cli: Cli, files: readonly string[], options: Options): Promise<void> {
  const drawings = new Drawings(options);
  refuseManyDrawn(files, options);
  const texts = files.map(readScenarioText);
  const sweep = texts.findIndex(saysSweepConfig);
  if (sweep >= 0) return sweepAgain(cli, files, texts[sweep] as string, options);
  const judgement = readJudgement(options);
  const scenarios = await readAll(files, texts, judgement);
  await runSession(cli, options, async (unwatched, outputs) => {
    const session = drawings.watch(unwatched);
    const parts: Part[] = [];
    try {
      const directories = recordDirectories(
        options.out,
        scenarios.map(({ name }) => name),
      );
      for (const [i, scenario] of scenarios.entries()) {
        parts.push({ scenario, record: openRunRecord(directories[i]) });
      }
      if (scenarios.some(({ step }) => step)) inlineDeeply();
      const { runs, failures } = await runAll(parts, session);
      await outputs.deliver((target) => {
        const { format } = target;
        const [only] = runs;
        if (isFormat(format)) return render(runs, { ...target, format });
        if (only === undefined || isFailed(only)) return null;
        return drawings.render(only, { profile: (scenarios[0] as Scenario).profile }, target);
      });
      await appendStepSummary(cli.console, options, runs);
      tellOutcome(cli, runs, failures);
    } finally {
      for (const { record } of parts) record?.discard();
    }
  });
}

function refuseManyDrawn(files: readonly string[], { export: exports = [] }: Options): void {
  const drawn = exports.find(({ format }) => isDrawing(format));
  if (drawn === undefined || files.length === 1) return;
  throw new Failure("usage", `${drawn.format} draws one scenario, and there are ${files.length}`, {
    hint: "run it by itself for the drawing",
  });
}

/** The `config.json` of a sweep. */
async function sweepAgain(cli: Cli, files: readonly string[], text: string, options: Options) {
  const [file = "", ...others] = files;
  if (others.length > 0) {
    throw new Failure("usage", "the config.json of a sweep runs by itself, without other files");
  }
  const drawn = options.export?.find(({ format }) => isDrawing(format) && format !== "svg");
  if (drawn !== undefined) {
    throw new Failure("usage", `a sweep is drawn as svg, not as ${drawn.format}`);
  }
  const { recordedSweep } = await import("../sweep-record.ts");
  const { runSweep } = await import("../sweep-run.ts");
  return runSweep(cli, recordedSweep(text, file, options));
}

/** All of them, before the first is run: a fault in the last file costs no waiting. */
async function readAll(
  files: readonly string[],
  texts: readonly string[],
  judgement: Judgement,
): Promise<Scenario[]> {
  const scenarios: Scenario[] = [];
  for (const [i, file] of files.entries()) {
    const scenario = await readScenario(texts[i] as string, file);
    judgement.check(plannedStrategies(scenario));
    scenarios.push(judgedBy(judgement, scenario));
  }
  return scenarios;
}

/** One scenario after the other; one that comes to no result does not keep the others from it. */
async function runAll(parts: readonly Part[], session: Session) {
  const runs: Run[] = [];
  const failures: Failure[] = [];
  const { runScenario } = await import("../../lab/scenario/run-scenario.ts");
  for (const { scenario, record } of parts) {
    try {
      const result = await runScenario(scenario, session);
      record?.write(scenarioRecord(scenario, result));
      runs.push(result);
    } catch (error) {
      if (!(error instanceof Failure) || error.kind === "io") throw error;
      const failure = error.about(scenario.name);
      failures.push(failure);
      runs.push(failedRun(scenario, failure));
    }
  }
  return { runs, failures };
}

/** What the command line expects besides belongs to what is run. */
function judgedBy({ expectations, baseline }: Judgement, scenario: Scenario): Scenario {
  return {
    ...scenario,
    expectations: [...scenario.expectations, ...expectations],
    baseline: baseline ?? scenario.baseline,
  };
}

function failedRun({ name, sha256 }: Scenario, failure: Failure): FailedRun {
  const exitCode = exitCodeOf(failure.kind);
  const message = problemOf(failure);
  return { scenario: { name, sha256 }, error: { exitCode, message, ...failure.refusal } };
}

/**
 * Tells what failed. A scenario without a result decides the exit code: of it nothing is known.
 *
 * @throws Failure of the first scenario that came to no result; `expectation`
 */
function tellOutcome(cli: Cli, runs: readonly Run[], failures: readonly Failure[]): void {
  const [first] = failures;
  if (first !== undefined && runs.length === 1) throw first;
  for (const failure of failures) cli.console.complain(`failed: ${problemOf(failure)}`);
  const verdict = verdictOf(cli.console, resultsOf(runs));
  if (first === undefined && verdict === null) return;
  if (first === undefined) throw verdict;
  const rest = verdict === null ? "" : `, ${verdict.message}`;
  const what = `${failures.length} of ${runs.length} scenarios came to no result${rest}`;
  throw new Failure(first.kind, what, { cause: first });
}
