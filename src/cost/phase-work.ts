import {
  HOST_WORK_KINDS,
  type HostWorkKind,
  type PageSizeName,
  type PhaseCounts,
} from "../ledger/phase-counts.ts";
import type { Cover, Per } from "./profile.ts";

/** A number of things a term counts; a share below 1 is a part of a group. */
export interface Taken {
  readonly count: number;
  readonly share: number;
}

const NOTHING: readonly Taken[] = [];

function whole(count: number): readonly Taken[] {
  return count === 0 ? NOTHING : [{ count, share: 1 }];
}

/** Calls of one leaf: those that succeeded and that no term took yet, by page size. */
interface LeafWork {
  readonly leaf: string;
  "4K": number;
  "2M": number;
  "1G": number;
  /** All that succeeded, taken or not. */
  called: number;
}

function sum(work: LeafWork): number {
  return work["4K"] + work["2M"] + work["1G"];
}

function clear(work: LeafWork): void {
  work["4K"] = 0;
  work["2M"] = 0;
  work["1G"] = 0;
}

/**
 * The work of one phase, from which terms take what they price. What no term took is left over
 * and has no price. Calls without a page size count as 4 KiB.
 */
export class PhaseWork {
  readonly #leaves: LeafWork[] = [];
  readonly #failed: { leaf: string; size: PageSizeName; status: string; count: number }[] = [];
  readonly #hostWork: Record<HostWorkKind, number>;
  readonly #phase: string;
  readonly #happened: boolean;

  constructor(counts: PhaseCounts) {
    this.#phase = counts.phase;
    this.#happened = counts.seamcalls.total > 0;
    const { byLeaf } = counts.seamcalls;
    for (const leaf in byLeaf) {
      const total = byLeaf[leaf] as number;
      const { "2M": large = 0, "1G": huge = 0 } = counts.largePageCalls[leaf] ?? {};
      this.#leaves.push({
        leaf,
        "4K": total - large - huge,
        "2M": large,
        "1G": huge,
        called: total,
      });
    }
    for (const { leaf, pageSize, status, count } of counts.failedCalls) {
      const size = pageSize ?? "4K";
      const work = this.#of(leaf);
      if (work !== undefined) {
        work[size] -= count;
        work.called -= count;
      }
      this.#failed.push({ leaf, size, status, count });
    }
    this.#hostWork = { ...counts.hostWork };
  }

  #of(leaf: string): LeafWork | undefined {
    for (const work of this.#leaves) if (work.leaf === leaf) return work;
    return undefined;
  }

  /** Removes what the price of another term already contains. */
  cover({ phase, leaf, pageSize, work }: Cover): void {
    if (phase !== this.#phase) return;
    if (work !== undefined) {
      this.#hostWork[work] = 0;
    } else if (leaf === undefined) {
      this.#leaves.length = 0;
      this.#failed.length = 0;
      this.#hostWork.pageClears4K = 0;
      this.#hostWork.ipis = 0;
      this.#hostWork.vcpuKicks = 0;
    } else {
      const covered = this.#of(leaf);
      if (covered !== undefined) covered.called -= this.#takeLeaf(leaf, pageSize);
      for (const failed of this.#failed) {
        const meant = pageSize === undefined || failed.size === pageSize;
        if (failed.leaf === leaf && meant) failed.count = 0;
      }
    }
  }

  /** Takes what `per` counts; no call is taken twice, while host work may have several prices. */
  take(per: Per): readonly Taken[] {
    switch (per.kind) {
      case "leaf":
        return whole(this.#takeLeaf(per.leaf, per.pageSize));
      case "group":
        return this.#takeGroup(per.leaves, per.pageSize);
      case "host-work":
        return whole(this.#hostWork[per.work] ?? 0);
      case "phase":
        return whole(this.#happened && per.phase === this.#phase ? 1 : 0);
      case "failed-call":
        return whole(this.#takeFailed(per.status));
      case "with-call":
        return whole(this.#callsOf(per.leaves));
      case "other-call":
        return whole(this.#takeOthers());
    }
  }

  #callsOf(leaves: readonly string[]): number {
    let calls = 0;
    for (const leaf of leaves) calls += this.#of(leaf)?.called ?? 0;
    return calls;
  }

  #takeOthers(): number {
    let taken = 0;
    for (const work of this.#leaves) {
      taken += sum(work);
      clear(work);
    }
    return taken;
  }

  #takeLeaf(leaf: string, pageSize: PageSizeName | undefined): number {
    const work = this.#of(leaf);
    if (work === undefined) return 0;
    const count = pageSize === undefined ? sum(work) : work[pageSize];
    if (pageSize === undefined) clear(work);
    else work[pageSize] = 0;
    return count;
  }

  /**
   * Complete groups first; then the calls that some members made more often than others, as the
   * share of the group that those members are. A 2 MiB page makes one complete group and 511
   * further WBINVDs (kvm-teardown 1.2).
   */
  #takeGroup(leaves: readonly string[], size: PageSizeName | undefined): readonly Taken[] {
    if (!leaves.some((leaf) => this.#of(leaf) !== undefined)) return NOTHING;
    const counts = leaves.map((leaf) => this.#takeLeaf(leaf, size)).sort((a, b) => a - b);
    let before = 0;
    return counts.map((count, index) => {
      const layer = { count: count - before, share: (counts.length - index) / counts.length };
      before = count;
      return layer;
    });
  }

  #takeFailed(status: string | undefined): number {
    let taken = 0;
    for (const failed of this.#failed) {
      if (status !== undefined && failed.status.split("|")[0] !== status) continue;
      taken += failed.count;
      failed.count = 0;
    }
    return taken;
  }

  /** Leaves with successful calls that no term took so far. */
  leavesLeft(): string[] {
    return this.#leaves.filter((work) => sum(work) > 0).map(({ leaf }) => leaf);
  }

  /** What happened and has no price: leaf names and kinds of host work that were never priced. */
  unpriced(priced: ReadonlySet<HostWorkKind>): string[] {
    const names: string[] = this.leavesLeft();
    for (const { leaf, count } of this.#failed) if (count > 0) names.push(leaf);
    for (const kind of HOST_WORK_KINDS) {
      if (this.#hostWork[kind] > 0 && !priced.has(kind)) names.push(kind);
    }
    return names.length > 1 ? [...new Set(names)] : names;
  }
}
