import { HOST_WORK_KINDS, type HostWorkKind, type PhaseCounts } from "../ledger/phase-counts.ts";
import type { Cover, Per } from "./profile.ts";

type SizeName = "4K" | "2M" | "1G";
type BySize = Record<SizeName, number>;

/** A number of things a term counts; a share below 1 is a part of a group. */
export interface Taken {
  readonly count: number;
  readonly share: number;
}

const WHOLE = 1;

function sum(sizes: BySize): number {
  return sizes["4K"] + sizes["2M"] + sizes["1G"];
}

/**
 * The work of one phase, from which terms take what they price. What no term took is left over
 * and has no price. Calls without a page size count as 4 KiB.
 */
export class PhaseWork {
  readonly #succeeded = new Map<string, BySize>();
  readonly #failed: { leaf: string; size: SizeName; status: string; count: number }[] = [];
  readonly #called = new Map<string, number>();
  readonly #hostWork = new Map<HostWorkKind, number>();
  readonly #phase: string;
  readonly #happened: boolean;

  constructor(counts: PhaseCounts) {
    this.#phase = counts.phase;
    this.#happened = counts.seamcalls.total > 0;
    for (const [leaf, total] of Object.entries(counts.seamcalls.byLeaf)) {
      const { "2M": large = 0, "1G": huge = 0 } = counts.largePageCalls[leaf] ?? {};
      this.#succeeded.set(leaf, { "4K": total - large - huge, "2M": large, "1G": huge });
    }
    for (const { leaf, pageSize, status, count } of counts.failedCalls) {
      const size = pageSize ?? "4K";
      const sizes = this.#succeeded.get(leaf);
      if (sizes !== undefined) sizes[size] -= count;
      this.#failed.push({ leaf, size, status, count });
    }
    for (const [leaf, sizes] of this.#succeeded) this.#called.set(leaf, sum(sizes));
    for (const kind of HOST_WORK_KINDS) this.#hostWork.set(kind, counts.hostWork[kind]);
  }

  /** Removes what the price of another term already contains. */
  cover({ phase, leaf, pageSize, work }: Cover): void {
    if (phase !== this.#phase) return;
    if (work !== undefined) {
      this.#hostWork.delete(work);
    } else if (leaf === undefined) {
      this.#succeeded.clear();
      this.#called.clear();
      this.#failed.length = 0;
      this.#hostWork.clear();
    } else {
      this.#called.set(leaf, (this.#called.get(leaf) ?? 0) - this.#takeLeaf(leaf, pageSize));
      for (const failed of this.#failed) {
        const meant = pageSize === undefined || failed.size === pageSize;
        if (failed.leaf === leaf && meant) failed.count = 0;
      }
    }
  }

  /** Takes what `per` counts; no call is taken twice, while host work may have several prices. */
  take(per: Per): Taken[] {
    switch (per.kind) {
      case "leaf":
        return [{ count: this.#takeLeaf(per.leaf, per.pageSize), share: WHOLE }];
      case "group":
        return this.#takeGroup(per.leaves, per.pageSize);
      case "host-work":
        return [{ count: this.#hostWork.get(per.work) ?? 0, share: WHOLE }];
      case "phase":
        return [{ count: this.#happened && per.phase === this.#phase ? 1 : 0, share: WHOLE }];
      case "failed-call":
        return [{ count: this.#takeFailed(per.status), share: WHOLE }];
      case "with-call":
        return [{ count: this.#callsOf(per.leaves), share: WHOLE }];
      case "other-call":
        return [{ count: this.#takeOthers(), share: WHOLE }];
    }
  }

  #callsOf(leaves: readonly string[]): number {
    return leaves.reduce((calls, leaf) => calls + (this.#called.get(leaf) ?? 0), 0);
  }

  #takeOthers(): number {
    let taken = 0;
    for (const sizes of this.#succeeded.values()) taken += sum(sizes);
    this.#succeeded.clear();
    return taken;
  }

  #takeLeaf(leaf: string, pageSize: SizeName | undefined): number {
    const sizes = this.#succeeded.get(leaf);
    if (sizes === undefined) return 0;
    if (pageSize === undefined) {
      this.#succeeded.delete(leaf);
      return sum(sizes);
    }
    const count = sizes[pageSize];
    sizes[pageSize] = 0;
    return count;
  }

  /**
   * Complete groups first; then the calls that some members made more often than others, as the
   * share of the group that those members are. A 2 MiB page makes one complete group and 511
   * further WBINVDs (kvm-teardown 1.2).
   */
  #takeGroup(leaves: readonly string[], size: SizeName | undefined): Taken[] {
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
    return [...this.#succeeded].filter(([, sizes]) => sum(sizes) > 0).map(([leaf]) => leaf);
  }

  /** What happened and has no price: leaf names and kinds of host work that were never priced. */
  unpriced(priced: ReadonlySet<HostWorkKind>): string[] {
    const failed = this.#failed.filter(({ count }) => count > 0).map(({ leaf }) => leaf);
    const work = [...this.#hostWork].filter(([kind, count]) => count > 0 && !priced.has(kind));
    return [...new Set([...this.leavesLeft(), ...failed, ...work.map(([kind]) => kind)])];
  }
}
