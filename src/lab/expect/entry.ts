/** What an expectation can name of one strategy's entry, absent counts being 0. */
import { EMULATED, NOT_EMULATED } from "../../module/leaf-table.ts";
import {
  type ComparisonEntry,
  type EstimatedInterval,
  PHASE_NAMES,
  type Seamcalls,
  type StrategyResult,
} from "../result.ts";

const NOTHING: EstimatedInterval = { low: 0, mid: 0, high: 0, basis: "exact" };
const NO_CALLS: Seamcalls = { total: 0, byLeaf: {} };
const EVEN: EstimatedInterval = { low: 1, mid: 1, high: 1, basis: "exact" };

/** The entry as expectations see it: phases by name, its comparison beside the rest. */
export interface Entry extends Omit<StrategyResult, "phases"> {
  readonly phases: Readonly<
    Record<string, { readonly seamcalls: Seamcalls; readonly elapsedNs: EstimatedInterval }>
  >;
  readonly comparison: Pick<ComparisonEntry, "seamcallRatio" | "elapsedRatio">;
}

export function entryOf(
  result: StrategyResult,
  comparison: readonly ComparisonEntry[] = [],
): Entry {
  const compared = comparison.find(
    ({ strategy, kernel }) => strategy === result.strategy && kernel === result.kernel,
  );
  const phases = PHASE_NAMES.map((name) => {
    const phase = result.phases.find((each) => each.phase === name);
    const seamcalls = phase?.seamcalls ?? NO_CALLS;
    return [name, { seamcalls, elapsedNs: phase?.elapsedNs ?? NOTHING }] as const;
  });
  const { seamcallRatio = 1, elapsedRatio = EVEN } = compared ?? {};
  return {
    ...result,
    phases: Object.fromEntries(phases),
    comparison: { seamcallRatio, elapsedRatio },
  };
}

/** An entry that counts nothing: what a path means is checked on it before anything runs. */
export function emptyEntry(strategy: string, kernel: string): Entry {
  return entryOf({
    strategy,
    kernel,
    seamcalls: NO_CALLS,
    phases: [],
    statuses: {},
    hostWork: { pagesCleared: 0, bytesCleared: 0, ipis: 0, vcpuKicks: 0 },
    elapsedNs: { ...NOTHING, extrapolated: false },
    milestones: {
      hkidFree: NOTHING,
      memoryFree: NOTHING,
      mmuLockWriteHeld: NOTHING,
      mmuLockWriteLongest: NOTHING,
    },
    end: { pagesLeaked: 0, hkidFree: false, tdrReclaimed: false },
  });
}

const STATUS = /^TDX_[A-Z0-9_]+(?:\|[A-Z0-9_]+)?$/;

/** Whether a count of this name may be absent: a leaf that was not called, a status not seen. */
export function isCountable(record: string, name: string): boolean {
  if (record === "statuses") return STATUS.test(name);
  return record === "byLeaf" && leafNames().includes(name);
}

export function leafNames(): string[] {
  return [...EMULATED, ...NOT_EMULATED].map(({ name }) => name);
}
