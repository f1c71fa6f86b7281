import { type Interval, sumIntervals, ZERO } from "./interval.ts";

/** When what an operator waits for has happened, from the start of the teardown; nanoseconds. */
export interface Milestones {
  /** The HKID can be given to the next TD. */
  readonly hkidFree: Interval;
  /** The last private page is back. */
  readonly memoryFree: Interval;
  /** How long mmu_lock is held for writing, all stretches together. */
  readonly mmuLockWriteHeld: Interval;
}

interface TimedPhase {
  readonly phase: string;
  readonly elapsedNs: Interval;
}

/**
 * Phases that v16 spends under mmu_lock for writing: zapping leaves (kvm-teardown C.1), the three
 * transitions that release the HKID (C.2 steps 5 to 9; the VP.FLUSH before them is not timed
 * apart, so its part is in the range), zapping what is mapped afterwards (C.3). Control pages go
 * with the vCPUs and the VM, outside the lock.
 */
export const V16_MMU_LOCK_WRITE_PHASES: readonly string[] = [
  "remove-private",
  "release-hkid",
  "reclaim-private",
  "reclaim-sept",
];

const PRIVATE_PAGES = ["remove-private", "reclaim-private"];

/** From the start to the end of the last of `phases`; zero when none of them occurs. */
function until(timed: readonly TimedPhase[], phases: readonly string[]): Interval {
  const last = timed.findLastIndex(({ phase }) => phases.includes(phase));
  return last < 0 ? ZERO : sumIntervals(timed.slice(0, last + 1).map((each) => each.elapsedNs));
}

/** Milestones of a teardown whose phases ran one after the other in this order. */
export function milestonesOf(
  timed: readonly TimedPhase[],
  mmuLockWritePhases: readonly string[],
): Milestones {
  const held = timed.filter(({ phase }) => mmuLockWritePhases.includes(phase));
  return {
    hkidFree: until(timed, ["release-hkid"]),
    memoryFree: until(timed, PRIVATE_PAGES),
    mmuLockWriteHeld: sumIntervals(held.map(({ elapsedNs }) => elapsedNs)),
  };
}
