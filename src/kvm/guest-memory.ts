import { NEXT_PAGE, PageRuns, type StepOfTag } from "../module/page-runs.ts";

/** 4 KiB guest frames that an entry of a page-table level maps. */
export const FRAMES_PER_ENTRY = [1, 2 ** 9, 2 ** 18, 2 ** 27, 2 ** 36] as const;

/** Leaf levels KVM maps: PG_LEVEL_4K and PG_LEVEL_2M. */
export type LeafLevel = 0 | 1;

/** A stretch of guest frames mapped to consecutive host frames by leaves of one level. */
export interface LeafRun {
  readonly level: LeafLevel;
  /** First guest frame, first host frame (4 KiB numbers), number of leaves. */
  readonly gfn: number;
  readonly pfn: number;
  readonly leaves: number;
}

const PRESENT = 1;
const LEAF_STEPS: readonly [StepOfTag, StepOfTag] = [NEXT_PAGE, () => FRAMES_PER_ENTRY[1]];

/**
 * KVM's own picture of a TD's private mappings: the mirrored page table. KVM cannot read the
 * Secure EPT; what it put there it keeps here, as runs.
 */
export class GuestMemory {
  /** Leaves by level; indexed by entry, `base` is the host frame. */
  readonly #leaves: readonly [PageRuns, PageRuns];
  /** Page-table pages below the root, by the level of the entry pointing to them (index 0 unused). */
  readonly #tables: readonly PageRuns[];
  readonly #leafCounts: [number, number] = [0, 0];

  constructor(leaves?: readonly [PageRuns, PageRuns], tables?: readonly PageRuns[]) {
    this.#leaves = leaves ?? [new PageRuns(LEAF_STEPS[0]), new PageRuns(LEAF_STEPS[1])];
    this.#tables = tables ?? FRAMES_PER_ENTRY.map(() => new PageRuns(NEXT_PAGE));
  }

  /** Stretch from `gfn` on in which tables of `level` all exist, or all are missing, in frames. */
  tablesFrom(gfn: number, level: number): { exists: boolean; frames: number } {
    const runs = this.#tables[level] as PageRuns;
    const framesPerEntry = FRAMES_PER_ENTRY[level] as number;
    const exists = runs.seek(Math.floor(gfn / framesPerEntry)) === PRESENT;
    return { exists, frames: runs.runEnd * framesPerEntry - gfn };
  }

  addTables(gfn: number, level: number, count: number, pfn: number): void {
    const index = Math.floor(gfn / (FRAMES_PER_ENTRY[level] as number));
    (this.#tables[level] as PageRuns).assign(index, count, PRESENT, pfn);
  }

  map(level: LeafLevel, gfn: number, pfn: number, leaves: number): void {
    this.#leaves[level].assign(gfn / FRAMES_PER_ENTRY[level], leaves, PRESENT, pfn);
    this.#leafCounts[level] += leaves;
  }

  /** Takes the `leaves` leaves away that lie in `entries` entries from `gfn` on. */
  unmap(level: LeafLevel, gfn: number, leaves: number, entries = leaves): void {
    this.#leaves[level].assign(gfn / FRAMES_PER_ENTRY[level], entries, 0, 0);
    this.#leafCounts[level] -= leaves;
  }

  /** The first leaf run of a level from `gfn` on. */
  leavesFrom(level: LeafLevel, gfn = 0): LeafRun | null {
    const frames = FRAMES_PER_ENTRY[level];
    const runs = this.#leaves[level];
    const index = gfn / frames;
    if (!runs.seekRun(index)) return null;
    const start = Math.max(index, runs.runStart);
    const leaves = runs.runEnd - start;
    return { level, gfn: start * frames, pfn: runs.baseAt(start), leaves };
  }

  /** The first run of page-table pages of a level: entry index, host frame, how many. */
  firstTables(level: number): { index: number; pfn: number; count: number } | null {
    const runs = this.#tables[level] as PageRuns;
    if (!runs.seekRun(0)) return null;
    return {
      index: runs.runStart,
      pfn: runs.baseAt(runs.runStart),
      count: runs.runEnd - runs.runStart,
    };
  }

  removeTables(level: number, index: number, count: number): void {
    (this.#tables[level] as PageRuns).assign(index, count, 0, 0);
  }

  leafCount(level: LeafLevel): number {
    return this.#leafCounts[level];
  }

  tableCount(): number {
    let count = 0;
    for (const runs of this.#tables) for (const run of runs.runs()) count += run.length;
    return count;
  }

  clone(): GuestMemory {
    const [small, large] = this.#leaves;
    const tables = this.#tables.map((runs) => runs.clone());
    const copy = new GuestMemory([small.clone(), large.clone()], tables);
    copy.#leafCounts[0] = this.#leafCounts[0];
    copy.#leafCounts[1] = this.#leafCounts[1];
    return copy;
  }

  toJSON(): GuestMemorySnapshot {
    return {
      leaves: this.#leaves.map((runs) => runs.toArray()),
      tables: this.#tables.map((runs) => runs.toArray()),
    };
  }

  static restore(snapshot: GuestMemorySnapshot): GuestMemory {
    const leaves = LEAF_STEPS.map((step, level) =>
      PageRuns.fromArray(step, snapshot.leaves[level] as readonly number[]),
    );
    const tables = snapshot.tables.map((fields) => PageRuns.fromArray(NEXT_PAGE, fields));
    const memory = new GuestMemory(leaves as [PageRuns, PageRuns], tables);
    for (const level of [0, 1] as const) {
      for (const { length } of memory.#leaves[level].runs()) memory.#leafCounts[level] += length;
    }
    return memory;
  }
}

export interface GuestMemorySnapshot {
  readonly leaves: readonly (readonly number[])[];
  readonly tables: readonly (readonly number[])[];
}
