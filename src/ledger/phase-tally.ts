import {
  exactCount,
  HOST_WORK_KINDS,
  type HostWorkKind,
  orderStatuses,
  type PhaseCounts,
} from "./phase-counts.ts";
import {
  countsOfPhase,
  type PageSizeLevel,
  type StoredCalls,
  type StoredPhase,
} from "./stored-phase.ts";

export type { PageSizeLevel };

/** Leaf numbers are below 64 in module 1.5 and stay below 128. */
const LEAVES = 128;
/** Three page sizes and "none", which is -1 and therefore 3 in two bits. */
const SIZES = 4;
const NO_SIZE = 3;

interface Entry {
  readonly leafNumber: number;
  readonly size: number;
  readonly succeeded: number;
  readonly failed: ReadonlyMap<string, number>;
}

const NONE: ReadonlyMap<string, number> = new Map();

/**
 * The running counts of one phase. A call costs one addition in a typed array, because with
 * `--step` there are billions of them; everything else is worked out when the counts are read.
 */
export class PhaseTally {
  readonly phase: string;
  readonly #calls = new Float64Array(LEAVES * SIZES);
  readonly #names: (string | undefined)[] = new Array(LEAVES).fill(undefined);
  readonly #order: number[] = [];
  readonly #failed = new Map<number, Map<string, number>>();
  readonly #hostWork = new Float64Array(HOST_WORK_KINDS.length);

  constructor(phase: string) {
    this.phase = phase;
  }

  seamcalls(
    leafNumber: number,
    leafName: string,
    statusText: string,
    count: number,
    pageSize: PageSizeLevel,
  ): void {
    const slot = ((pageSize & NO_SIZE) << 7) | leafNumber;
    const before = this.#calls[slot] as number;
    // Also true for a leaf number that leads outside the array.
    if (!(before > 0)) this.#meet(leafNumber, leafName);
    this.#calls[slot] = before + count;
    if (statusText !== "TDX_SUCCESS") this.#fail(slot, statusText, count);
  }

  hostWork(kind: HostWorkKind, count: number): void {
    const index = HOST_WORK_KINDS.indexOf(kind);
    if (index < 0) throw new Error(`the ledger knows no host work called ${kind}`);
    this.#hostWork[index] = (this.#hostWork[index] as number) + count;
  }

  #meet(leafNumber: number, leafName: string): void {
    if (!Number.isInteger(leafNumber) || leafNumber < 0 || leafNumber >= LEAVES) {
      throw new RangeError(`leaf number ${leafNumber} (${leafName}) is out of range`);
    }
    if (this.#names[leafNumber] !== undefined) return;
    this.#names[leafNumber] = leafName;
    this.#order.push(leafNumber);
  }

  #fail(slot: number, statusText: string, count: number): void {
    let statuses = this.#failed.get(slot);
    if (statuses === undefined) {
      statuses = new Map();
      this.#failed.set(slot, statuses);
    }
    statuses.set(statusText, (statuses.get(statusText) ?? 0) + count);
  }

  #name(leafNumber: number): string {
    return this.#names[leafNumber] as string;
  }

  /** Every leaf and page size that was called, leaves in order of first use. */
  #entries(): Entry[] {
    const entries: Entry[] = [];
    for (const leafNumber of this.#order) {
      for (let size = 0; size < SIZES; size += 1) {
        const slot = (size << 7) | leafNumber;
        const calls = exactCount(this.#calls[slot] as number, this.#name(leafNumber));
        if (calls === 0) continue;
        const failed = this.#failed.get(slot) ?? NONE;
        let succeeded = calls;
        for (const count of failed.values()) succeeded -= count;
        entries.push({ leafNumber, size, succeeded, failed });
      }
    }
    return entries;
  }

  counts(): PhaseCounts {
    return countsOfPhase(this.stored());
  }

  stored(): StoredPhase {
    const done = HOST_WORK_KINDS.map((kind, i) => [kind, this.#hostWork[i] as number] as const);
    return {
      phase: this.phase,
      calls: this.#storedCalls(),
      hostWork: Object.fromEntries(done.filter(([, count]) => count > 0)),
    };
  }

  /** The counts as calls that `seamcalls` can take again, leaves in order of first use. */
  #storedCalls(): StoredCalls[] {
    return this.#entries().flatMap(({ leafNumber, size, succeeded, failed }) => {
      const pageSize = (size === NO_SIZE ? -1 : size) as PageSizeLevel;
      const calls = succeeded > 0 ? [["TDX_SUCCESS", succeeded] as const] : [];
      return [...calls, ...Object.entries(orderStatuses(failed))].map(
        ([status, count]): StoredCalls => [
          leafNumber,
          this.#name(leafNumber),
          pageSize,
          status,
          count,
        ],
      );
    });
  }
}
