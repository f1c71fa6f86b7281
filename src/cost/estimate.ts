import type { PhaseCounts } from "../ledger/phase-counts.ts";
import { type EstimatedInterval, roundInterval, sumTimes } from "./interval.ts";
import type { TdSize } from "./measured-range.ts";
import { type Milestones, milestonesOf, V16_MMU_LOCK_WRITE_STRETCHES } from "./milestones.ts";
import { estimatePhase, type PhaseEstimate } from "./phase-estimate.ts";
import type { Profile } from "./profile.ts";

export interface EstimateContext extends TdSize {
  /**
   * Phases that the kernel generation spends under mmu_lock for writing, those together that it
   * does not let go of the lock between; as v16 unless given.
   */
  readonly mmuLockWriteStretches?: readonly (readonly string[])[];
}

export interface Estimate {
  readonly phases: readonly PhaseEstimate[];
  /** End to end the sum of the phases. */
  readonly elapsedNs: EstimatedInterval & {
    readonly extrapolated: boolean;
    /** Why it is extrapolated, one sentence each; absent when it is not. */
    readonly reasons?: readonly string[];
  };
  readonly milestones: Milestones;
}

/**
 * What the counts of a ledger cost, in the order of its phases: integers times prices, nothing
 * else goes in. Every time is an interval of whole nanoseconds with its basis, flagged with the
 * reasons where it leaves what the profile saw (published-measurements section 6).
 */
export function estimate(
  phases: readonly PhaseCounts[],
  context: EstimateContext,
  profile: Profile,
): Estimate {
  const estimated = phases.map((counts) => estimatePhase(counts, context, profile));
  const total = sumTimes(estimated.map(({ elapsedNs }) => elapsedNs));
  const reasons = new Set<string>();
  for (const phase of estimated) for (const reason of phase.reasons) reasons.add(reason);
  const held = context.mmuLockWriteStretches ?? V16_MMU_LOCK_WRITE_STRETCHES;
  const { low, mid, high } = roundInterval(total);
  const elapsedNs = { low, mid, high, basis: total.basis };
  return {
    phases: estimated,
    elapsedNs:
      reasons.size === 0
        ? { ...elapsedNs, extrapolated: false }
        : { ...elapsedNs, extrapolated: true, reasons: [...reasons] },
    milestones: milestonesOf(estimated, held),
  };
}
