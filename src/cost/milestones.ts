import { type EstimatedInterval, sumTimes } from "./interval.ts";

/** When what an operator waits for has happened, from the start of the teardown; nanoseconds. */
export interface Milestones {
  /** The HKID can be given to the next TD. */
  readonly hkidFree: EstimatedInterval;
  /** The last private page is back. */
  readonly memoryFree: EstimatedInterval;
  /** How long mmu_lock is held for writing, all stretches together. */
  readonly mmuLockWriteHeld: EstimatedInterval;
  /** The longest of these stretches, if nothing makes KVM give way in the middle of it. */
  readonly mmuLockWriteLongest: EstimatedInterval;
}

interface TimedPhase {
  readonly phase: string;
  readonly elapsedNs: EstimatedInterval;
}

/**
 * Stretches that v16 spends under mmu_lock for writing: zapping leaves (kvm-teardown C.1); the
 * three transitions that release the HKID (C.2 steps 5 to 9; the VP.FLUSH before them is not timed
 * apart, so its part is in the range); zapping what is mapped afterwards, leaves and tables in one
 * go (C.3, C.4). Control pages go with the vCPUs and the VM, outside the lock. A zap offers to
 * give way between two pages, to whoever waits for the lock or the CPU: a stretch is that long
 * only if nobody does.
 */
export const V16_MMU_LOCK_WRITE_STRETCHES: readonly (readonly string[])[] = [
  ["remove-private"],
  ["release-hkid"],
  ["reclaim-private", "reclaim-sept"],
];

const PRIVATE_PAGES = ["remove-private", "reclaim-private"];

/** From the start to the end of the last of `phases`; nothing when none of them occurs. */
function until(timed: readonly TimedPhase[], phases: readonly string[]): EstimatedInterval {
  const times: EstimatedInterval[] = [];
  let needed = 0;
  for (const { phase, elapsedNs } of timed) {
    times.push(elapsedNs);
    if (phases.includes(phase)) needed = times.length;
  }
  times.length = needed;
  return sumTimes(times);
}

function spentIn(timed: readonly TimedPhase[], phases: readonly string[]): EstimatedInterval {
  const times: EstimatedInterval[] = [];
  for (const { phase, elapsedNs } of timed) if (phases.includes(phase)) times.push(elapsedNs);
  return sumTimes(times);
}

function longest(stretches: readonly EstimatedInterval[]): EstimatedInterval {
  let most = stretches[0] ?? sumTimes([]);
  for (const stretch of stretches) if (stretch.mid > most.mid) most = stretch;
  return most;
}

const HKID_FREE = ["release-hkid"];

/** Milestones of a teardown whose phases ran one after the other in this order. */
export function milestonesOf(
  timed: readonly TimedPhase[],
  mmuLockWriteStretches: readonly (readonly string[])[],
): Milestones {
  const stretches = mmuLockWriteStretches.map((phases) => spentIn(timed, phases));
  return {
    hkidFree: until(timed, HKID_FREE),
    memoryFree: until(timed, PRIVATE_PAGES),
    mmuLockWriteHeld: sumTimes(stretches),
    mmuLockWriteLongest: longest(stretches),
  };
}
