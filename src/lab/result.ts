/**
 * The versioned result every format is made from: plain data, no behaviour. Keys are printed in
 * the order in which they were put in, which is that of these types.
 */

import type { Basis, EstimatedInterval, Interval } from "../cost/interval.ts";
import type { HostWork, Seamcalls } from "../ledger/phase-counts.ts";
import { PAGE_SIZE, PAGES_PER_2M } from "../units/page.ts";

export type { Basis, EstimatedInterval, HostWork, Interval, Seamcalls };

/** The phases of teardowns; which there are, and in which order, is the strategy's. */
export const PHASE_NAMES = [
  "remove-private",
  "release-hkid",
  "reclaim-private",
  "reclaim-sept",
  "reclaim-control",
] as const;
export type PhaseName = (typeof PHASE_NAMES)[number];

export interface PhaseResult {
  readonly phase: PhaseName;
  readonly seamcalls: Seamcalls;
  readonly elapsedNs: EstimatedInterval;
}

/** An unbounded retry that never ends: its SEAMCALL, and the calls after which it was given up. */
export interface Livelock {
  readonly leaf: string;
  readonly status: string;
  readonly calls: number;
}

/** What went wrong in a teardown, as its kernel would tell; absent where nothing did. */
export interface Trouble {
  /** Warnings in the kernel log: leaf and status to how often. */
  readonly warned?: Readonly<Record<string, number>>;
  /** KVM_BUG_ON was hit: the VM is dead. */
  readonly bugged?: true;
  /** The teardown does not come to its end. */
  readonly livelock?: Livelock;
  /** HKIDs that are never handed out again. */
  readonly hkidsLeaked?: readonly number[];
  /** The pages leaked: hexadecimal host address, how many of 4 KiB, what they were. */
  readonly leaks?: readonly {
    readonly address: string;
    readonly pages: number;
    readonly what: string;
  }[];
}

export interface StrategyResult {
  readonly strategy: string;
  readonly kernel: string;
  readonly seamcalls: Seamcalls;
  readonly phases: readonly PhaseResult[];
  /** Status text with operand, for example `TDX_SUCCESS`, to number of calls. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly hostWork: HostWork;
  readonly elapsedNs: EstimatedInterval & {
    readonly extrapolated: boolean;
    /** Why the estimate is extrapolated, one sentence each; absent when it is not. */
    readonly reasons?: readonly string[];
  };
  /** Until the phases ended that free them; `end` says whether they did. */
  readonly milestones: {
    readonly hkidFree: EstimatedInterval;
    readonly memoryFree: EstimatedInterval;
    /** All stretches together, and the longest of them. */
    readonly mmuLockWriteHeld: EstimatedInterval;
    readonly mmuLockWriteLongest: EstimatedInterval;
  };
  readonly end: {
    readonly pagesLeaked: number;
    readonly hkidFree: boolean;
    readonly tdrReclaimed: boolean;
  } & Trouble;
}

export interface ComparisonEntry {
  readonly strategy: string;
  readonly kernel: string;
  readonly against: string;
  /** SEAMCALLs of `against` divided by those of `strategy`. */
  readonly seamcallRatio: number;
  /** How many times faster than `against`. */
  readonly elapsedRatio: EstimatedInterval;
}

export type PageSize = "4K" | "2M";
export type TdSource = "options" | "store" | "default" | "scenario";

export interface TdDescription {
  readonly name: string | null;
  readonly source: TdSource;
  readonly memoryBytes: number;
  readonly vcpus: number;
  readonly pageSize: PageSize;
  readonly septLevels: 4 | 5;
  /** Leaf pages mapped when the teardown began, by size. */
  readonly privatePages: { readonly "4K": number; readonly "2M": number; readonly "1G": number };
  /** Secure EPT pages below the root when the teardown began. */
  readonly septPages: number;
  /** TDR + TDCX + TDVPR + TDVPX. */
  readonly controlPages: number;
  readonly finalized: boolean;
}

/** What became of one expectation, or of one metric held against a baseline. */
export interface ExpectationResult {
  readonly kind: "expectation" | "baseline";
  /** As it was written; for a baseline the path of the metric, `hint.seamcalls.total`. */
  readonly expectation: string;
  readonly level: "warn" | "error";
  readonly passed: boolean;
  /** Both sides; null where a division by 0 left no number. */
  readonly left: number | boolean | string | null;
  readonly right: number | boolean | string | null;
  /** The expectation with its values put in. */
  readonly detail: string;
}

/** A scenario that came to no result. */
export interface FailedRun {
  readonly scenario: { readonly name: string; readonly sha256: string };
  readonly error: {
    /** Exit code of a run of this scenario alone (CONTRACT, "Exit codes"). */
    readonly exitCode: number;
    readonly message: string;
    /** What the kernel answered and to which SEAMCALL, where it was the kernel who refused. */
    readonly errno?: string;
    readonly leaf?: string;
    readonly status?: string;
  };
}

/** What became of a scenario among others. */
export type Run = Result | FailedRun;

export interface Result {
  readonly schema: "tdx-sim/result/v1";
  readonly simulated: true;
  readonly version: string;
  readonly command: string;
  readonly seed: number;
  /** The scenario that was run; absent for a TD of options or of the store. */
  readonly scenario?: { readonly name: string; readonly sha256: string };
  /** Kernel generations, commas between them. */
  readonly kernel: string;
  /** Ideas on top of them that no kernel has; absent where there are none. */
  readonly whatIf?: readonly string[];
  readonly module: string;
  readonly profile: { readonly name: string; readonly sha256: string };
  readonly platform: { readonly packages: number; readonly lps: number; readonly hkids: number };
  readonly td: TdDescription;
  readonly strategies: readonly StrategyResult[];
  readonly comparison: readonly ComparisonEntry[];
  /** Absent where nothing was expected. */
  readonly expectations?: readonly ExpectationResult[];
  readonly warnings: readonly string[];
}

/** Leaf pages of all sizes. */
export function privatePageCount({ privatePages }: TdDescription): number {
  return privatePages["4K"] + privatePages["2M"] + privatePages["1G"];
}

/** What is mapped; no kernel maps leaves of 1 GiB. */
export function populatedBytes({ privatePages }: TdDescription): number {
  return (privatePages["4K"] + privatePages["2M"] * PAGES_PER_2M) * PAGE_SIZE;
}

export function isFailed(run: Run): run is FailedRun {
  return "error" in run;
}

/** Of the runs that came to one. */
export function resultsOf(runs: readonly Run[]): Result[] {
  return runs.flatMap((run) => (isFailed(run) ? [] : [run]));
}
