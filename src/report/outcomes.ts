/** What CI reports list: one outcome for each expectation, or for each teardown without any. */
import { isFailed, type Result, type Run } from "../lab/result.ts";
import { formatCount } from "../units/count.ts";
import { formatEstimate } from "../units/duration.ts";

export interface Outcome {
  /** As it was written. */
  readonly name: string;
  readonly level: "warn" | "error";
  readonly passed: boolean;
  /** Nothing was found out, because the run did not come so far. */
  readonly isError?: true;
  /** Both sides with their values. */
  readonly detail: string;
}

/** What a run is called in reports: its scenario, its TD, or its command. */
export function titleOf(run: Run): string {
  if (isFailed(run)) return run.scenario.name;
  return run.scenario?.name ?? run.td.name ?? run.command;
}

/** The outcomes of a run; a teardown without expectations passes when nothing is left behind. */
export function outcomesOf(run: Run): Outcome[] {
  if (isFailed(run)) {
    const { message: detail } = run.error;
    return [{ name: "comes to a result", level: "error", passed: false, isError: true, detail }];
  }
  const { expectations, strategies } = run;
  if (expectations !== undefined && expectations.length > 0) {
    return expectations.map(({ expectation: name, level, passed, detail }) => ({
      name,
      level,
      passed,
      detail,
    }));
  }
  return strategies.map(({ strategy, kernel, seamcalls, elapsedNs, end }) => {
    return {
      name: `${strategy}@${kernel} gives everything back`,
      level: "error",
      passed: end.pagesLeaked === 0 && end.hkidFree && end.tdrReclaimed,
      detail:
        `${formatCount(seamcalls.total)} SEAMCALLs, estimated ${formatEstimate(elapsedNs)}; ` +
        `${formatCount(end.pagesLeaked)} pages leaked`,
    };
  });
}

/** Estimated time of all teardowns of a run in seconds: what CI systems chart. */
export function estimatedSeconds({ strategies }: Result): number {
  return strategies.reduce((sum, { elapsedNs }) => sum + elapsedNs.mid, 0) / 1e9;
}
