import type { Charge } from "../cost/charges.ts";
import { type Estimate, type EstimateContext, estimate } from "../cost/estimate.ts";
import {
  type EstimatedInterval,
  type Interval,
  roundInterval,
  sumTimes,
} from "../cost/interval.ts";
import { milestonesOf } from "../cost/milestones.ts";
import type { PhaseEstimate } from "../cost/phase-estimate.ts";
import type { Profile } from "../cost/profile.ts";
import type { KernelGeneration } from "../kvm/generations/generation.ts";
import type { PhaseCounts } from "../ledger/phase-counts.ts";
import { WHAT_IFS, type WhatIf } from "./what-if.ts";

/** Phases that `parallel` divides among threads: their calls lock nothing in common. */
const SHARED_OUT = ["reclaim-private", "reclaim-sept"];

/** By which kernel, and with which ideas that no kernel has, the counts came about. */
export interface Circumstances {
  readonly generation: KernelGeneration;
  /** Those that changed something. */
  readonly whatIfs: readonly WhatIf[];
}

/**
 * The estimate of a teardown by one kernel generation: with its stretches under mmu_lock, and
 * marked as extrapolated where no profile can have measured it.
 */
export function estimateTeardown(
  phases: readonly PhaseCounts[],
  td: EstimateContext,
  profile: Profile,
  { generation, whatIfs }: Circumstances,
): Estimate {
  const { mmuLockWriteStretches } = generation;
  const priced = estimate(phases, { ...td, mmuLockWriteStretches }, profile);
  const threads = Math.max(1, ...whatIfs.map((each) => each.threads));
  const shared = threads === 1 ? priced : sharedOut(priced, threads, mmuLockWriteStretches);
  const more = reasonsOf(phases, { generation, whatIfs });
  if (more.length === 0) return shared;
  const reasons = [...new Set([...(shared.elapsedNs.reasons ?? []), ...more])];
  const { low, mid, high } = shared.elapsedNs;
  const elapsedNs = { low, mid, high, basis: "assumed" as const, extrapolated: true, reasons };
  return { ...shared, elapsedNs };
}

function reasonsOf(phases: readonly PhaseCounts[], { generation, whatIfs }: Circumstances) {
  const cleared = phases.reduce((sum, { hostWork }) => sum + hostWork.pageClears4K, 0);
  const skipped = cleared === 0 && phases.length > 0 ? [WHAT_IFS["no-clear"].unmeasured] : [];
  const ideas = whatIfs.map(({ name }) => WHAT_IFS[name].unmeasured);
  return [...new Set([...generation.unmeasured, ...skipped, ...ideas])];
}

function atBest({ low, mid, high }: Interval, threads: number): Interval {
  return { low: low / threads, mid: mid / threads, high };
}

/**
 * Reclaiming by several threads: at best each takes its share; nothing says that memory keeps up,
 * so at worst nothing is won.
 */
function sharedOut(
  priced: Estimate,
  threads: number,
  stretches: readonly (readonly string[])[],
): Estimate {
  const phases = priced.phases.map((phase): PhaseEstimate => {
    if (!SHARED_OUT.includes(phase.phase)) return phase;
    const elapsedNs = roundInterval(atBest(phase.elapsedNs, threads));
    const charges = phase.charges.map((charge): Charge => {
      const [price, time] = [atBest(charge.price, threads), atBest(charge.time, threads)];
      return { ...charge, price, time, basis: "assumed" };
    });
    return { ...phase, elapsedNs: { ...elapsedNs, basis: "assumed" }, charges };
  });
  const total: EstimatedInterval = sumTimes(phases.map(({ elapsedNs }) => elapsedNs));
  const { extrapolated, reasons } = priced.elapsedNs;
  return {
    phases,
    elapsedNs: { ...total, extrapolated, ...(reasons === undefined ? {} : { reasons }) },
    milestones: milestonesOf(phases, stretches),
  };
}
