/** What becomes of a result besides being shown: expectations, baseline, record, CI summary. */
import type { Command } from "commander";
import type { PlannedStrategy } from "../lab/expect/expectation.ts";
import { GENERATIONS } from "../lab/kernels.ts";
import type { Result } from "../lab/result.ts";
import type { Scenario } from "../lab/scenario/scenario.ts";
import { MAIN_TD, type Step, strategiesOn } from "../lab/scenario/step.ts";
import type { TdOptions } from "../lab/td-options.ts";
import type { Session } from "../lab/teardown.ts";
import { Failure } from "../units/failure.ts";
import type { Console } from "./console.ts";
import {
  addJudgementOptions,
  type JudgementOptions,
  readJudgement,
  tellVerdict,
} from "./judgement.ts";
import type { OutputOptions } from "./outputs.ts";
import { addRecordOption, openRunRecord, type RecordOptions } from "./run-record.ts";
import { appendStepSummary } from "./step-summary.ts";

export interface VerdictOptions extends JudgementOptions, RecordOptions {}

export function addVerdictOptions(command: Command): void {
  addJudgementOptions(command);
  addRecordOption(command);
}

/** A fresh TD and what was done with it: enough to do it again. */
export interface Repeatable {
  readonly command: "destroy" | "compare";
  readonly source: "options" | "default";
  readonly kernels: readonly string[];
  readonly td: TdOptions;
  /** Strategies named by the user; null is all of the kernel. */
  readonly strategies: readonly string[] | null;
}

/** Strategies of which a comparison will have a result. */
export function plannedOn(
  kernels: readonly string[],
  strategies: readonly string[] | null,
): PlannedStrategy[] {
  // A name that there is no kernel of is told by whoever looks it up.
  const known = kernels.filter((kernel) => GENERATIONS.has(kernel));
  return known.flatMap((kernel) =>
    strategiesOn(kernel, known, strategies).map((strategy) => ({ strategy, kernel })),
  );
}

export interface Verdict {
  /** Makes sure, before the work, that expectations speak of strategies that will be run. */
  check(planned: readonly PlannedStrategy[]): void;
  /** The result with what became of the expectations. */
  judge(result: Result): Result;
  /**
   * Keeps the record, tells what failed.
   *
   * @param run null for a TD of the store, of which no record can be kept
   * @throws Failure `expectation` when an expectation failed
   */
  finish(judged: Result, run: Repeatable | null, session: Session): Promise<void>;
}

/**
 * Reads expectations and baseline and opens the record, then works; what was opened is left as it
 * was when that fails.
 */
export async function withVerdict(
  console: Console,
  options: VerdictOptions & OutputOptions,
  isStored: boolean,
  work: (verdict: Verdict) => Promise<void>,
): Promise<void> {
  if (isStored && options.out !== undefined) {
    throw new Failure("usage", "--out keeps what a run can be repeated from, not a stored TD", {
      hint: "give TD options instead of a name",
    });
  }
  const judgement = readJudgement(options);
  const record = openRunRecord(options.out);
  try {
    await work({
      check: judgement.check,
      judge: judgement.apply,
      async finish(judged, run, session) {
        if (record !== null && run !== null) {
          record.write(scenarioOf(run, session, judgement.expectations), judged);
        }
        await appendStepSummary(console, options, [judged]);
        tellVerdict(console, [judged]);
      },
    });
  } finally {
    record?.discard();
  }
}

function scenarioOf(
  { command, source, kernels, td, strategies }: Repeatable,
  session: Session,
  expectations: Scenario["expectations"],
): Scenario {
  const about = { td: MAIN_TD, refused: null };
  const steps: Step[] = [
    { do: "create", ...about, count: null, options: td },
    { do: "populate", ...about, bytes: null, finalize: td.finalize },
  ];
  if (command === "destroy") {
    for (const strategy of strategies ?? []) steps.push({ do: "destroy", ...about, strategy });
  }
  return {
    name: command,
    sha256: "",
    kernels,
    td,
    profile: session.profile,
    seed: session.seed,
    step: session.step,
    steps,
    strategies: command === "destroy" ? null : strategies,
    faults: session.faults?.plans ?? [],
    whatIfs: session.whatIf ?? [],
    expectations,
    recorded: { command, source },
  };
}
