import type { HostWorkKind } from "./phase-counts.ts";
import type { PageSizeLevel, StoredCalls, StoredPhase } from "./stored-phase.ts";

export type { PageSizeLevel };

/** Leaf numbers are below 64 in module 1.5 and stay below 128. */
const LEAVES = 128;

/** Calls of one leaf on pages of one size that ended alike. */
interface Line {
  readonly leafNumber: number;
  readonly leafName: string;
  readonly pageSize: PageSizeLevel;
  readonly status: string;
  count: number;
}

/**
 * The running counts of one phase. A phase calls a handful of leaves, so that its lines are
 * looked through from the start; everything else is worked out when the counts are read.
 */
export class PhaseTally {
  readonly phase: string;
  readonly #lines: Line[] = [];
  readonly #hostWork: Record<HostWorkKind, number> = { pageClears4K: 0, ipis: 0, vcpuKicks: 0 };

  constructor(phase: string) {
    this.phase = phase;
  }

  seamcalls(
    leafNumber: number,
    leafName: string,
    status: string,
    count: number,
    pageSize: PageSizeLevel,
  ): void {
    const lines = this.#lines;
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i] as Line;
      if (line.leafNumber !== leafNumber || line.pageSize !== pageSize) continue;
      if (line.status !== status) continue;
      line.count += count;
      return;
    }
    if (!Number.isInteger(leafNumber) || leafNumber < 0 || leafNumber >= LEAVES) {
      throw new RangeError(`leaf number ${leafNumber} (${leafName}) is out of range`);
    }
    lines.push({ leafNumber, leafName, pageSize, status, count });
  }

  hostWork(kind: HostWorkKind, count: number): void {
    const before = this.#hostWork[kind];
    if (before === undefined) throw new Error(`the ledger knows no host work called ${kind}`);
    this.#hostWork[kind] = before + count;
  }

  stored(): StoredPhase {
    const lines = this.#lines.filter(({ count }) => count !== 0);
    const leaves = lines.map(({ leafNumber }) => leafNumber);
    // Nearly always no leaf has two lines.
    if (new Set(leaves).size < lines.length) {
      lines.sort(
        (a, b) => leaves.indexOf(a.leafNumber) - leaves.indexOf(b.leafNumber) || rank(a, b),
      );
    }
    return { phase: this.phase, calls: lines.map(storedLine), hostWork: done(this.#hostWork) };
  }

  clone(): PhaseTally {
    const copy = new PhaseTally(this.phase);
    for (const line of this.#lines) copy.#lines.push({ ...line });
    Object.assign(copy.#hostWork, this.#hostWork);
    return copy;
  }
}

/** Lines of one leaf: by size, without one last; TDX_SUCCESS first, the others by name. */
function rank(a: Line, b: Line): number {
  if (a.pageSize !== b.pageSize) return (a.pageSize & 3) - (b.pageSize & 3);
  if (a.status === "TDX_SUCCESS" || b.status === "TDX_SUCCESS") {
    return a.status === "TDX_SUCCESS" ? -1 : 1;
  }
  return a.status < b.status ? -1 : 1;
}

function storedLine({ leafNumber, leafName, pageSize, status, count }: Line): StoredCalls {
  return [leafNumber, leafName, pageSize, status, count];
}

function done({ pageClears4K, ipis, vcpuKicks }: Record<HostWorkKind, number>) {
  return {
    ...(pageClears4K > 0 ? { pageClears4K } : {}),
    ...(ipis > 0 ? { ipis } : {}),
    ...(vcpuKicks > 0 ? { vcpuKicks } : {}),
  };
}
