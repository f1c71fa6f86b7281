import {
  exactCount,
  type FailedCalls,
  type HostWorkKind,
  PAGE_SIZE_NAMES,
  type PhaseCounts,
  statusesOf,
} from "./phase-counts.ts";

/** Page size operand of a SEAMCALL: 0 is 4 KiB, 1 is 2 MiB, 2 is 1 GiB, -1 where it has none. */
export type PageSizeLevel = -1 | 0 | 1 | 2;

/** One line of a stored ledger: leaf number, leaf name, page size, status, count. */
export type StoredCalls = readonly [number, string, PageSizeLevel, string, number];

/** One phase of a ledger as plain data, leaves in order of first use. */
export interface StoredPhase {
  readonly phase: string;
  readonly calls: readonly StoredCalls[];
  readonly hostWork: Readonly<Partial<Record<HostWorkKind, number>>>;
}

/** What a phase counted, worked out of its lines. Throws when a count is not a safe integer. */
export function countsOfPhase({ phase, calls, hostWork }: StoredPhase): PhaseCounts {
  const byLeaf: Record<string, number> = {};
  const others = new Map<string, number>();
  const largePageCalls: Record<string, { "2M"?: number; "1G"?: number }> = {};
  const failedCalls: FailedCalls[] = [];
  let total = 0;
  let succeeded = 0;
  for (const [, leaf, size, status, count] of calls) {
    byLeaf[leaf] = exactCount((byLeaf[leaf] ?? 0) + count, leaf);
    total += count;
    const pageSize = size === -1 ? null : PAGE_SIZE_NAMES[size];
    if (status === "TDX_SUCCESS") succeeded += count;
    else {
      others.set(status, (others.get(status) ?? 0) + count);
      failedCalls.push({ leaf, pageSize, status, count });
    }
    if (pageSize === "2M" || pageSize === "1G") {
      const large = largePageCalls[leaf] ?? {};
      largePageCalls[leaf] = { ...large, [pageSize]: (large[pageSize] ?? 0) + count };
    }
  }
  return {
    phase,
    seamcalls: { total: exactCount(total, `SEAMCALLs in ${phase}`), byLeaf },
    largePageCalls,
    statuses: statusesOf(succeeded, others),
    failedCalls,
    hostWork: {
      pageClears4K: exactCount(hostWork.pageClears4K ?? 0, "pageClears4K"),
      ipis: exactCount(hostWork.ipis ?? 0, "ipis"),
      vcpuKicks: exactCount(hostWork.vcpuKicks ?? 0, "vcpuKicks"),
    },
  };
}
