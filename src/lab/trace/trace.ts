import { estimate } from "../../cost/estimate.ts";
import type { EstimatedInterval } from "../../cost/interval.ts";
import type { PhaseEstimate } from "../../cost/phase-estimate.ts";
import type { Profile } from "../../cost/profile.ts";
import type { SeamcallObserver } from "../../kvm/seamcall-port.ts";
import { populatedBytes, type Result, type StrategyResult } from "../result.ts";
import { type TraceBatch, type TraceKind, TraceRecorder } from "./recorder.ts";
import { type KindCount, unitTimes } from "./unit-times.ts";

/** One phase of a teardown in time. */
export interface TimedPhase {
  readonly phase: string;
  readonly elapsedNs: EstimatedInterval;
  readonly batches: readonly TraceBatch[];
  /** Nanoseconds for one thing of each kind of the strategy; not rounded. */
  readonly unitNs: readonly number[];
}

export interface TracedStrategy {
  readonly strategy: string;
  readonly kernel: string;
  readonly elapsedNs: StrategyResult["elapsedNs"];
  readonly kinds: readonly TraceKind[];
  readonly phases: readonly TimedPhase[];
  /** SEAMCALLs that an earlier command made, when the teardown had been begun before. */
  readonly earlierSeamcalls: number;
}

/** The order in which a run made its SEAMCALLs, with a place in time for each. */
export interface Trace {
  readonly result: Result;
  readonly strategies: readonly TracedStrategy[];
}

/** Records the teardowns of one run, one recorder for each. */
export class TraceSession {
  readonly #recorders: TraceRecorder[] = [];

  /** For `Session.observe`: called once for each teardown, in the order of the result. */
  readonly observe = (): SeamcallObserver => {
    const recorder = new TraceRecorder();
    this.#recorders.push(recorder);
    return recorder;
  };

  /** What was recorded, with times by the profile that priced the result. */
  trace(result: Result, profile: Profile): Trace {
    return {
      result,
      strategies: result.strategies.map((entry, index) => {
        const recorder = this.#recorders[index];
        if (recorder === undefined) throw new Error(`${entry.strategy} was not recorded`);
        return timed(recorder, entry, result, profile);
      }),
    };
  }
}

function timed(
  recorder: TraceRecorder,
  entry: StrategyResult,
  { td }: Result,
  profile: Profile,
): TracedStrategy {
  const { memoryBytes, vcpus } = td;
  const size = { memoryBytes, populatedBytes: populatedBytes(td), vcpus };
  const { phases } = estimate(recorder.ledger.phases(), size, profile);
  const recorded = recorder.phases().filter(({ batches }) => batches.length > 0);
  const earlierSeamcalls = entry.seamcalls.total - recorder.ledger.totals().seamcalls.total;
  return {
    strategy: entry.strategy,
    kernel: entry.kernel,
    elapsedNs: entry.elapsedNs,
    kinds: recorder.kinds,
    phases: recorded.map(({ phase, batches }) => {
      const estimated = phases.find((each) => each.phase === phase) as PhaseEstimate;
      const whole = recorded.filter((each) => each.phase === phase).flatMap((each) => each.batches);
      const kinds = kindCounts(recorder.kinds, whole);
      // The result knows of what changes times without changing counts, the prices do not; of a
      // teardown that goes on it has the times of what was not seen as well.
      const told = entry.phases.find((each) => each.phase === phase);
      const { elapsedNs } = earlierSeamcalls === 0 && told !== undefined ? told : estimated;
      const unitNs = unitTimes(kinds, { ...estimated, elapsedNs }, profile);
      return { phase, elapsedNs, batches, unitNs };
    }),
    earlierSeamcalls,
  };
}

function kindCounts(kinds: readonly TraceKind[], batches: readonly TraceBatch[]): KindCount[] {
  const counts = kinds.map(() => 0);
  for (const batch of batches) {
    for (const [at, kind] of batch.kinds.entries()) {
      counts[kind] = (counts[kind] ?? 0) + (batch.counts[at] as number);
    }
  }
  return kinds.map((kind, index) => ({ kind, count: counts[index] ?? 0 }));
}
