import type { Cover, FigureUnit, Per } from "../../cost/profile.ts";
import {
  HOST_WORK_KINDS,
  type HostWorkKind,
  PAGE_SIZE_NAMES,
  type PageSizeName,
  type PhaseCounts,
} from "../../ledger/phase-counts.ts";

/** Something the ledger counts that may have a price of its own. */
export interface Driver {
  /** What it is called, unique: `TDH.MEM.PAGE.REMOVE of 4K`. */
  readonly name: string;
  readonly per: Per;
  readonly unit: FigureUnit;
  /** Smaller comes first where two cannot be told apart: the price then goes by the first. */
  readonly rank: number;
}

/** How often a driver counted in one phase, and what would take it out of the count there. */
export interface DriverCount {
  readonly driver: Driver;
  readonly count: number;
  readonly cover: Cover;
}

/** Everything a teardown costs beside what goes with pages and vCPUs. */
export const FIXED: Driver = {
  name: "fixed teardown",
  per: { kind: "phase", phase: "release-hkid" },
  unit: "ns/teardown",
  rank: 2,
};

/** Leaves with a page size among their operands. */
const SIZED = new Set([
  "TDH.MEM.RANGE.BLOCK",
  "TDH.MEM.PAGE.REMOVE",
  "TDH.MEM.PAGE.DEMOTE",
  "TDH.PHYMEM.PAGE.RECLAIM",
]);

const RANKS: Readonly<Record<string, number>> = {
  "TDH.PHYMEM.PAGE.RECLAIM": 0,
  "TDH.MEM.PAGE.REMOVE": 1,
  vcpuKicks: 3,
  "TDH.PHYMEM.CACHE.WB": 4,
  "TDH.MEM.RANGE.BLOCK": 5,
  "TDH.MEM.TRACK": 6,
  "TDH.PHYMEM.PAGE.WBINVD": 7,
  pageClears4K: 8,
  "TDH.VP.FLUSH": 9,
  ipis: 10,
};
const LAST_RANK = 11;

const WORK: Readonly<Record<HostWorkKind, Omit<Driver, "per" | "rank">>> = {
  pageClears4K: { name: "page clear", unit: "ns/page" },
  vcpuKicks: { name: "vCPU kick", unit: "ns/kick" },
  ipis: { name: "IPI", unit: "ns/ipi" },
};

/** Successful calls of a leaf; on pages of this size, if it is told one. */
export function leafDriver(leaf: string, pageSize: PageSizeName): Driver {
  const sized = SIZED.has(leaf);
  return {
    name: sized ? `${leaf} of ${pageSize}` : leaf,
    per: sized ? { kind: "leaf", leaf, pageSize } : { kind: "leaf", leaf },
    unit: "ns/call",
    rank: RANKS[leaf] ?? LAST_RANK,
  };
}

function ofWork(work: HostWorkKind): Driver {
  return { ...WORK[work], per: { kind: "host-work", work }, rank: RANKS[work] ?? LAST_RANK };
}

/** What one phase counted; refused calls are no part of it. */
export function driverCounts(counts: PhaseCounts): DriverCount[] {
  const { phase } = counts;
  const found: DriverCount[] = [];
  for (const [leaf, total] of Object.entries(counts.seamcalls.byLeaf)) {
    const { "2M": large = 0, "1G": huge = 0 } = counts.largePageCalls[leaf] ?? {};
    const sizes = { "4K": total - large - huge, "2M": large, "1G": huge };
    for (const { pageSize, count, leaf: failed } of counts.failedCalls) {
      if (failed === leaf) sizes[pageSize ?? "4K"] -= count;
    }
    for (const pageSize of PAGE_SIZE_NAMES) {
      const driver = leafDriver(leaf, pageSize);
      const cover = SIZED.has(leaf) ? { phase, leaf, pageSize } : { phase, leaf };
      if (sizes[pageSize] > 0) found.push({ driver, count: sizes[pageSize], cover });
    }
  }
  for (const work of HOST_WORK_KINDS) {
    const count = counts.hostWork[work];
    if (count > 0) found.push({ driver: ofWork(work), count, cover: { phase, work } });
  }
  return found;
}
