import type { Command } from "commander";
import type { RunControl } from "../../lab/drive.ts";
import type { Result } from "../../lab/result.ts";
import { plannedStrategies, type Scenario } from "../../lab/scenario/scenario.ts";
import { FORMAT_NAMES, type FormatName } from "../../report/index.ts";
import { renderRun } from "../../report/run.ts";
import { Failure } from "../../units/failure.ts";
import { describeCommand } from "../help-text.ts";
import { type Cli, type GlobalOptions, runSession } from "../invocation.ts";
import {
  addJudgementOptions,
  type Judgement,
  type JudgementOptions,
  readJudgement,
  tellVerdict,
} from "../judgement.ts";
import { addOutputOptions, type OutputOptions } from "../outputs.ts";
import {
  addRecordOption,
  openRunRecord,
  type RecordOptions,
  type RunRecord,
  recordDirectories,
} from "../run-record.ts";
import { readScenario } from "../scenario-input.ts";
import { appendStepSummary } from "../step-summary.ts";

type Options = GlobalOptions &
  OutputOptions &
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
  addOutputOptions(command, FORMAT_NAMES);
  addRecordOption(command);
  command.action((files: string[]) => run(cli, files, command.optsWithGlobals<Options>()));
}

async function run(cli: Cli, files: readonly string[], options: Options): Promise<void> {
  const judgement = readJudgement(options);
  const scenarios = await readAll(files, judgement);
  await runSession(cli, options, async (session, outputs) => {
    const names = scenarios.map(({ name }) => name);
    const records: RunRecord[] = [];
    try {
      for (const directory of recordDirectories(options.out, names)) {
        const record = openRunRecord(directory);
        if (record !== null) records.push(record);
      }
      if (scenarios.some(({ step }) => step)) {
        (await import("../deep-inlining.ts")).inlineDeeply();
      }
      const results: Result[] = [];
      for (const scenario of scenarios) results.push(await runOne(scenario, judgement, session));
      for (const [i, record] of records.entries()) {
        record.write(withExpectations(scenarios[i] as Scenario, judgement), results[i] as Result);
      }
      await outputs.deliver((target) =>
        renderRun(results, { ...target, format: target.format as FormatName }),
      );
      await appendStepSummary(cli.console, options, results);
      tellVerdict(cli.console, results);
    } finally {
      for (const record of records) record.discard();
    }
  });
}

/** All of them, before the first is run: a fault in the last file costs no waiting. */
async function readAll(files: readonly string[], judgement: Judgement): Promise<Scenario[]> {
  const scenarios: Scenario[] = [];
  for (const file of files) {
    const scenario = await readScenario(file);
    judgement.check(plannedStrategies(scenario));
    scenarios.push(scenario);
  }
  return scenarios;
}

/** What the command line expects besides belongs to what was run. */
function withExpectations(scenario: Scenario, { expectations }: Judgement): Scenario {
  return { ...scenario, expectations: [...scenario.expectations, ...expectations] };
}

async function runOne(
  scenario: Scenario,
  judgement: Judgement,
  session: RunControl,
): Promise<Result> {
  const { runScenario } = await import("../../lab/scenario/run-scenario.ts");
  try {
    return judgement.apply(await runScenario(scenario, session));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { kind, message, hint, refusal } = error;
    throw new Failure(kind, `${scenario.name}: ${message}`, {
      cause: error,
      ...(hint === undefined ? {} : { hint }),
      ...(refusal === undefined ? {} : { refusal }),
    });
  }
}
