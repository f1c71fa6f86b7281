/** What becomes of a result besides being shown: expectations, baseline, record, CI summary. */
import type { Command } from "commander";
import type { PlannedStrategy } from "../lab/expect/expectation.ts";
import { GENERATIONS } from "../lab/kernels.ts";
import { requireTd } from "../lab/lifecycle.ts";
import type { Result } from "../lab/result.ts";
import type { StoredStart } from "../lab/scenario/names.ts";
import type { Scenario } from "../lab/scenario/scenario.ts";
import { MAIN_TD, type Step, strategiesOn } from "../lab/scenario/step.ts";
import type { SimulatedHost } from "../lab/simulated-host.ts";
import type { TdOptions } from "../lab/td-options.ts";
import type { Session } from "../lab/teardown.ts";
import type { Console } from "./console.ts";
import {
  addJudgementOptions,
  type Judgement,
  type JudgementOptions,
  readJudgement,
  tellVerdict,
} from "./judgement.ts";
import type { OutputOptions } from "./outputs.ts";
import {
  addRecordOption,
  openRunRecord,
  type RecordOptions,
  scenarioRecord,
} from "./run-record.ts";
import { storedHostText } from "./scenario-input.ts";
import { appendStepSummary } from "./step-summary.ts";

export interface VerdictOptions extends JudgementOptions, RecordOptions {}

export function addVerdictOptions(command: Command): void {
  addJudgementOptions(command);
  addRecordOption(command);
}

/** A TD and what was done with it: enough to do it again. */
export interface Repeatable {
  readonly command: "destroy" | "compare" | "trace";
  readonly source: "options" | "default" | "store";
  readonly kernels: readonly string[];
  readonly td: TdOptions;
  /** Strategies named by the user; null is all of the kernel. */
  readonly strategies: readonly string[] | null;
  /** The host of a stored TD before the work, and the TD's name. */
  readonly stored?: StoredStart;
}

/** A stored TD as it is now, for a record of what is done with it. */
export function storedNow(host: SimulatedHost, name: string) {
  const td = requireTd(host, name).options;
  const now = host.snapshot();
  const stored = { td: name, host: now, text: storedHostText(now) };
  return { source: "store", td, stored } as const;
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
  /** Whether what is needed to repeat the run is asked for. */
  readonly isRecorded: boolean;
  /**
   * Keeps the record, tells what failed.
   *
   * @param run may be null where nothing is recorded
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
  work: (verdict: Verdict) => Promise<void>,
): Promise<void> {
  const judgement = readJudgement(options);
  const record = openRunRecord(options.out);
  try {
    await work({
      check: judgement.check,
      judge: judgement.apply,
      isRecorded: record !== null,
      async finish(judged, run, session) {
        if (record !== null && run !== null) {
          record.write(scenarioRecord(scenarioOf(run, session, judgement), judged));
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
  { command, source, kernels, td, strategies, stored }: Repeatable,
  session: Session,
  { expectations, baseline }: Judgement,
): Scenario {
  const about = { td: MAIN_TD, refused: null };
  const steps: Step[] = [];
  if (stored === undefined) {
    steps.push({ do: "create", ...about, count: null, options: td });
    steps.push({ do: "populate", ...about, bytes: null, finalize: td.finalize });
  }
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
    baseline,
    recorded: { command, source },
    stored: stored ?? null,
  };
}
