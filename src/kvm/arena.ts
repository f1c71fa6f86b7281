import { ALIKE, PageRuns } from "../module/page-runs.ts";

/** Consecutive host pages. */
export interface Pages {
  readonly page: number;
  readonly count: number;
}

/** Host pages of one use, handed out in ascending order; freed ones are used again first. */
export class Arena {
  readonly start: number;
  readonly end: number;
  /** Pages from here on were never handed out. */
  #next: number;
  readonly #freed: PageRuns;

  constructor(start: number, end: number, next = start, freed = new PageRuns(ALIKE)) {
    this.start = start;
    this.end = end;
    this.#next = next;
    this.#freed = freed;
  }

  /**
   * Up to `most` consecutive pages, a multiple of `alignment` long and aligned to it.
   * Null when none are left.
   */
  alloc(most: number, alignment = 1): Pages | null {
    // Most arenas have none, and are asked for page after page.
    const freed = this.#freed.runCount === 0 ? [] : this.#freed.runs();
    for (const run of freed) {
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
    return new Arena(this.start, this.end, this.#next, this.#freed.clone());
  }

  toJSON(): ArenaSnapshot {
    return {
      start: this.start,
      end: this.end,
      next: this.#next,
      freed: this.#freed.toArray(),
    };
  }

  static restore({ start, end, next, freed }: ArenaSnapshot): Arena {
    return new Arena(start, end, next, PageRuns.fromArray(ALIKE, freed));
  }
}

export interface ArenaSnapshot {
  readonly start: number;
  readonly end: number;
  readonly next: number;
  readonly freed: readonly number[];
}
