import { PAGE_SIZE } from "../units/page.ts";

/** What KVM does on the host besides SEAMCALLs, as the ledger counts it. */
export const HOST_WORK_KINDS = ["pageClears4K", "ipis", "vcpuKicks"] as const;
/**
 * - `pageClears4K`: 4 KiB written with MOVDIR64B after a page came back (kvm-teardown 1.2);
 * - `ipis`: synchronous calls on other processors (VP.FLUSH, kvm-teardown C.2);
 * - `vcpuKicks`: vCPUs asked to leave the guest or to wait for a TLB flush (kvm-teardown C.1).
 */
export type HostWorkKind = (typeof HOST_WORK_KINDS)[number];

/** Page sizes by the level SEAMCALL operands carry: 0, 1, 2. */
export const PAGE_SIZE_NAMES = ["4K", "2M", "1G"] as const;
export type PageSizeName = (typeof PAGE_SIZE_NAMES)[number];

export interface Seamcalls {
  readonly total: number;
  /** ABI leaf name to number of calls, failed ones included; zeros are left out. */
  readonly byLeaf: Readonly<Record<string, number>>;
}

/** Calls of one leaf that did not return TDX_SUCCESS. */
export interface FailedCalls {
  readonly leaf: string;
  /** Page size the call named; null for leaves without one. */
  readonly pageSize: PageSizeName | null;
  readonly status: string;
  readonly count: number;
}

/** Everything counted in one phase: an ioctl of creation or population, a step of a teardown. */
export interface PhaseCounts {
  readonly phase: string;
  readonly seamcalls: Seamcalls;
  /** Calls on pages larger than 4 KiB, by leaf and size; they are part of `seamcalls` too. */
  readonly largePageCalls: Readonly<Record<string, { "2M"?: number; "1G"?: number }>>;
  /** TDX_SUCCESS first, then by name. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly failedCalls: readonly FailedCalls[];
  readonly hostWork: Readonly<Record<HostWorkKind, number>>;
}

/** The sum over phases, in the shape results carry it. */
export interface LedgerTotals {
  readonly seamcalls: Seamcalls;
  readonly statuses: Readonly<Record<string, number>>;
  readonly hostWork: HostWork;
}

/** What KVM does on the host besides SEAMCALLs. */
export interface HostWork {
  readonly pagesCleared: number;
  readonly bytesCleared: number;
  /** Synchronous calls on other processors (VP.FLUSH). */
  readonly ipis: number;
  /** vCPUs asked to leave the guest or to wait for a TLB flush. */
  readonly vcpuKicks: number;
}

/** Throws when a sum left the integers a double holds exactly: counts are never approximate. */
export function exactCount(count: number, what: string): number {
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new Error(`the count of ${what} is not a safe integer: ${count}`);
  }
  return count;
}

/** Statuses with TDX_SUCCESS first and the others by name, so that history does not show. */
export function statusesOf(
  succeeded: number,
  others: ReadonlyMap<string, number>,
): Record<string, number> {
  const statuses: Record<string, number> = succeeded > 0 ? { TDX_SUCCESS: succeeded } : {};
  if (others.size === 0) return statuses;
  for (const [status, count] of [...others].sort(([a], [b]) => (a < b ? -1 : Number(a > b)))) {
    statuses[status] = count;
  }
  return statuses;
}

/** Sums phases; leaves keep the order in which the phases first used them. */
export function totalsOf(phases: readonly PhaseCounts[]): LedgerTotals {
  const byLeaf: Record<string, number> = {};
  const others = new Map<string, number>();
  let succeeded = 0;
  const work = { pageClears4K: 0, ipis: 0, vcpuKicks: 0 };
  let total = 0;
  for (const phase of phases) {
    const { byLeaf: ofPhase } = phase.seamcalls;
    for (const leaf in ofPhase) byLeaf[leaf] = (byLeaf[leaf] ?? 0) + (ofPhase[leaf] as number);
    for (const status in phase.statuses) {
      const count = phase.statuses[status] as number;
      if (status === "TDX_SUCCESS") succeeded += count;
      else others.set(status, (others.get(status) ?? 0) + count);
    }
    total += phase.seamcalls.total;
    work.pageClears4K += phase.hostWork.pageClears4K;
    work.ipis += phase.hostWork.ipis;
    work.vcpuKicks += phase.hostWork.vcpuKicks;
  }
  return {
    seamcalls: { total: exactCount(total, "SEAMCALLs"), byLeaf },
    statuses: statusesOf(succeeded, others),
    hostWork: {
      pagesCleared: exactCount(work.pageClears4K, "pages cleared"),
      bytesCleared: exactCount(work.pageClears4K * PAGE_SIZE, "bytes cleared"),
      ipis: exactCount(work.ipis, "IPIs"),
      vcpuKicks: exactCount(work.vcpuKicks, "vCPU kicks"),
    },
  };
}
