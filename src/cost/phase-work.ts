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

/**
 * The work of one phase, from which terms take what they price. What no term took is left over
 * and has no price. Calls without a page size count as 4 KiB.
 */
export class PhaseWork {
  readonly #succeeded = new Map<string, BySize>();
  readonly #failed: { leaf: string; status: string; count: number }[] = [];
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
      const sizes = this.#succeeded.get(leaf);
      if (sizes !== undefined) sizes[pageSize ?? "4K"] -= count;
      this.#failed.push({ leaf, status, count });
    }
    for (const kind of HOST_WORK_KINDS) this.#hostWork.set(kind, counts.hostWork[kind]);
  }

  /** Removes what the price of another term already contains. */
  cover({ phase, leaf }: Cover): void {
    if (phase !== this.#phase) return;
    if (leaf === undefined) {
      this.#succeeded.clear();
      this.#failed.length = 0;
      this.#hostWork.clear();
      return;
    }
    this.#succeeded.delete(leaf);
    const kept = this.#failed.filter((failed) => failed.leaf !== leaf);
    this.#failed.splice(0, this.#failed.length, ...kept);
  }

  /** Takes what `per` counts; nothing is taken twice, except host work, which may have parts. */
  take(per: Per): Taken[] {
    switch (per.kind) {
      case "leaf":
        return [{ count: this.#takeLeaf(per.leaf, per.pageSize), share: WHOLE }];
      case "group":
        return this.#takeGroup(per.leaves);
      case "host-work":
        return [{ count: this.#hostWork.get(per.work) ?? 0, share: WHOLE }];
      case "phase":
        return [{ count: this.#happened && per.phase === this.#phase ? 1 : 0, share: WHOLE }];
      case "failed-call":
        return [{ count: this.#takeFailed(per.status), share: WHOLE }];
    }
  }

  #takeLeaf(leaf: string, pageSize: SizeName | undefined): number {
    const sizes = this.#succeeded.get(leaf);
    if (sizes === undefined) return 0;
    if (pageSize === undefined) {
      this.#succeeded.delete(leaf);
      return sizes["4K"] + sizes["2M"] + sizes["1G"];
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
  #takeGroup(leaves: readonly string[]): Taken[] {
    const counts = leaves.map((leaf) => this.#takeLeaf(leaf, undefined)).sort((a, b) => a - b);
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

  /** What happened and has no price: leaf names and kinds of host work that were never priced. */
  unpriced(priced: ReadonlySet<HostWorkKind>): string[] {
    const leaves = [...this.#succeeded].filter(
      ([, sizes]) => sizes["4K"] + sizes["2M"] + sizes["1G"] > 0,
    );
    const failed = this.#failed.filter(({ count }) => count > 0).map(({ leaf }) => leaf);
    const work = [...this.#hostWork].filter(([kind, count]) => count > 0 && !priced.has(kind));
    return [
      ...new Set([...leaves.map(([leaf]) => leaf), ...failed, ...work.map(([kind]) => kind)]),
    ];
  }
}
