import { PageRuns } from "../module/page-runs.ts";

/** Host pages of one use, handed out in ascending order; freed ones are used again first. */
export class Arena {
  readonly start: number;
  readonly end: number;
  /** Pages from here on were never handed out. */
  #next: number;
  readonly #freed = new PageRuns(() => 0);

  constructor(start: number, end: number) {
    this.start = start;
    this.end = end;
    this.#next = start;
  }

  /**
   * Up to `most` consecutive pages, a multiple of `alignment` long and aligned to it.
   * Null when none are left.
   */
  alloc(most: number, alignment = 1): { page: number; count: number } | null {
    for (const run of this.#freed.runs()) {
      const page = Math.ceil(run.start / alignment) * alignment;
      const fits = run.start + run.length - page;
      const count = Math.floor(Math.min(fits, most) / alignment) * alignment;
      if (count <= 0) continue;
      this.#freed.assign(page, count, 0, 0);
      return { page, count };
    }
    const page = Math.ceil(this.#next / alignment) * alignment;
    const count = Math.floor(Math.min(this.end - page, most) / alignment) * alignment;
    if (count <= 0) return null;
    if (page > this.#next) this.#freed.assign(this.#next, page - this.#next, 1, 0);
    this.#next = page + count;
    return { page, count };
  }

  free(page: number, count: number): void {
    this.#freed.assign(page, count, 1, 0);
    // The last freed run falls back to what was never handed out, so an empty arena is as new.
    if (this.#freed.seek(this.#next - 1) === 0) return;
    const { runStart } = this.#freed;
    this.#freed.assign(runStart, this.#next - runStart, 0, 0);
    this.#next = runStart;
  }

  clone(): Arena {
    return Arena.restore(this.toJSON());
  }

  toJSON(): ArenaSnapshot {
    return {
      start: this.start,
      end: this.end,
      next: this.#next,
      freed: this.#freed.toArray(),
    };
  }

  static restore(snapshot: ArenaSnapshot): Arena {
    const arena = new Arena(snapshot.start, snapshot.end);
    arena.#next = snapshot.next;
    for (let i = 0; i + 3 < snapshot.freed.length; i += 4) {
      arena.#freed.assign(snapshot.freed[i] as number, snapshot.freed[i + 1] as number, 1, 0);
    }
    return arena;
  }
}

export interface ArenaSnapshot {
  readonly start: number;
  readonly end: number;
  readonly next: number;
  readonly freed: readonly number[];
}

const GIB_PAGES = 2 ** 18;
const HIGHEST_TABLE_LEVEL = 4;

/**
 * The host's memory for TDs. Control pages, Secure EPT pages of each level and private memory come
 * from separate arenas, so that pages handed out one after the other stay consecutive.
 */
export class HostPages {
  readonly control: Arena;
  /** Secure EPT pages by the level of the entry that points to them, 1 to 4; index 0 is unused. */
  readonly sept: readonly Arena[];
  readonly memory: Arena;

  constructor(arenas: { control: Arena; sept: readonly Arena[]; memory: Arena }) {
    this.control = arenas.control;
    this.sept = arenas.sept;
    this.memory = arenas.memory;
  }

  /** Carves `pages` host pages from `start` on; one in 256 holds Secure EPT pages. */
  static carve(start: number, pages: number): HostPages {
    const controlPages = Math.min(4 * GIB_PAGES, Math.floor(pages / 16));
    const tablePages = Math.ceil(pages / 256);
    let at = start;
    const next = (count: number): Arena => {
      const arena = new Arena(at, at + count);
      at += count;
      return arena;
    };
    const control = next(controlPages);
    const sept = [next(0)];
    for (let level = 1; level <= HIGHEST_TABLE_LEVEL; level++) {
      sept.push(next(level === 1 ? tablePages : Math.ceil(tablePages / 64)));
    }
    return new HostPages({ control, sept, memory: next(start + pages - at) });
  }

  clone(): HostPages {
    return HostPages.restore(this.toJSON());
  }

  toJSON(): HostPagesSnapshot {
    return {
      control: this.control.toJSON(),
      sept: this.sept.map((arena) => arena.toJSON()),
      memory: this.memory.toJSON(),
    };
  }

  static restore(snapshot: HostPagesSnapshot): HostPages {
    return new HostPages({
      control: Arena.restore(snapshot.control),
      sept: snapshot.sept.map((arena) => Arena.restore(arena)),
      memory: Arena.restore(snapshot.memory),
    });
  }
}

export interface HostPagesSnapshot {
  readonly control: ArenaSnapshot;
  readonly sept: readonly ArenaSnapshot[];
  readonly memory: ArenaSnapshot;
}
