import { CHUNK_RUNS, Chunk } from "./page-run-chunk.ts";

/** One run of pages in the same state: `base` belongs to `start`, see {@link StepOfTag}. */
export interface PageRun {
  readonly start: number;
  readonly length: number;
  readonly tag: number;
  readonly base: number;
}

/** How far `base` advances from one page to the next, by tag. */
export type StepOfTag = (tag: number) => number;

/**
 * A map from page numbers to a state (`tag`, a non-negative integer) and a number that belongs to
 * the page (`base`), kept as maximal runs. Pages never assigned have tag 0, which is not stored.
 *
 * Runs live in sorted chunks of typed arrays: look-up is logarithmic, sequential assignment and
 * removal are constant amortised, and a fragmented map costs 28 bytes a run.
 * `seek` leaves the run or gap around a page in `runStart`, `runEnd`, `tag` and `runBase`.
 */
export class PageRuns {
  runStart = 0;
  /** First page after the run or gap; Infinity where no run follows. */
  runEnd = Number.POSITIVE_INFINITY;
  tag = 0;
  runBase = 0;
  /** How far `runBase` advances a page within the run. */
  #step = 0;
  #runCount = 0;
  readonly #stepOf: StepOfTag;
  readonly #chunks: Chunk[] = [new Chunk()];
  /** Where `seek` stands: at the run, or for a gap at the run after it. */
  #chunk: Chunk = this.#chunks[0] as Chunk;
  #at = 0;
  #index = 0;

  constructor(stepOf: StepOfTag) {
    this.#stepOf = stepOf;
  }

  get runCount(): number {
    return this.#runCount;
  }

  /** Positions on the run or gap that holds `page`; returns its tag. */
  seek(page: number): number {
    if (page >= this.runStart && page < this.runEnd) return this.tag;
    return this.#find(page);
  }

  /** Positions on the first run that ends after `page`; false when there is none. */
  seekRun(page: number): boolean {
    if (this.seek(page) !== 0) return true;
    if (this.runEnd === Number.POSITIVE_INFINITY) return false;
    this.seek(this.runEnd);
    return true;
  }

  /** The number that belongs to `page`, which lies in the run that `seek` stands on. */
  baseAt(page: number): number {
    return this.runBase + (page - this.runStart) * this.#step;
  }

  /** Gives `count` pages from `page` on the state (`tag`, `base`); tag 0 takes their state away. */
  assign(page: number, count: number, tag: number, base: number): void {
    const end = page + count;
    if (this.seek(page) !== 0 && page > this.runStart) this.#cut(page);
    this.#clear(end);
    if (tag !== 0) this.#add(page, end, tag, base);
    else this.#find(page);
  }

  *runs(from = 0, to = Number.POSITIVE_INFINITY): Generator<PageRun> {
    let page = from;
    while (page < to) {
      const tag = this.seek(page);
      const end = Math.min(this.runEnd, to);
      if (tag !== 0) yield { start: page, length: end - page, tag, base: this.baseAt(page) };
      page = end;
    }
  }

  clone(): PageRuns {
    const copy = new PageRuns(this.#stepOf);
    copy.#chunks.length = 0;
    for (const chunk of this.#chunks) copy.#chunks.push(chunk.copy());
    copy.#runCount = this.#runCount;
    copy.#find(0);
    return copy;
  }

  /** The runs as plain numbers, four each (start, length, tag, base): for a snapshot. */
  toArray(): number[] {
    const fields: number[] = [];
    for (const run of this.runs()) fields.push(run.start, run.length, run.tag, run.base);
    return fields;
  }

  static fromArray(stepOf: StepOfTag, fields: readonly number[]): PageRuns {
    const runs = new PageRuns(stepOf);
    for (let i = 0; i + 3 < fields.length; i += 4) {
      const [start, length, tag, base] = [fields[i], fields[i + 1], fields[i + 2], fields[i + 3]];
      runs.assign(start as number, length as number, tag as number, base as number);
    }
    return runs;
  }

  #find(page: number): number {
    const chunks = this.#chunks;
    if (!this.#isInCurrentChunk(page)) {
      let low = 0;
      let high = chunks.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        const chunk = chunks[middle] as Chunk;
        if ((chunk.start[chunk.head] as number) <= page) low = middle;
        else high = middle - 1;
      }
      this.#at = low;
      this.#chunk = chunks[low] as Chunk;
    }
    return this.#load(page, this.#lastStartingUpTo(page));
  }

  #isInCurrentChunk(page: number): boolean {
    const chunk = this.#chunk;
    const last = chunk.tail - 1;
    return (
      this.#chunks[this.#at] === chunk &&
      last >= chunk.head &&
      page >= (chunk.start[chunk.head] as number) &&
      page <= (chunk.start[last] as number)
    );
  }

  /** Index of the last run of the current chunk that starts at or before `page`; may be head - 1. */
  #lastStartingUpTo(page: number): number {
    const { start, head, tail } = this.#chunk;
    // A sequential walk wants the run where it stands or the one after.
    const hint = this.#index;
    if (hint >= head && hint + 1 < tail && (start[hint] as number) <= page) {
      if (page < (start[hint + 1] as number)) return hint;
      if (hint + 2 < tail && page < (start[hint + 2] as number)) return hint + 1;
    }
    let low = head;
    let high = tail;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((start[middle] as number) <= page) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Stands on run `index` if it reaches over `page`, else in the gap after it. */
  #load(page: number, index: number): number {
    const chunk = this.#chunk;
    let gapStart = 0;
    if (index >= chunk.head) {
      const start = chunk.start[index] as number;
      const end = start + (chunk.length[index] as number);
      if (page < end) {
        this.#index = index;
        this.runStart = start;
        this.runEnd = end;
        this.runBase = chunk.base[index] as number;
        this.tag = chunk.tag[index] as number;
        this.#step = this.#stepOf(this.tag);
        return this.tag;
      }
      gapStart = end;
    }
    this.#index = index + 1;
    this.runStart = gapStart;
    this.runBase = 0;
    this.#step = 0;
    this.tag = 0;
    const after = index + 1 < chunk.tail ? chunk : this.#chunks[this.#at + 1];
    if (after === undefined) this.runEnd = Number.POSITIVE_INFINITY;
    else this.runEnd = after.start[after === chunk ? index + 1 : after.head] as number;
    return 0;
  }

  /** Splits the run that `seek` stands on before `page`; stands on the second part. */
  #cut(page: number): void {
    const { runStart, runEnd, tag } = this;
    const base = this.baseAt(page);
    this.#chunk.length[this.#index] = page - runStart;
    this.#index++;
    this.#insert(page, runEnd - page, tag, base);
  }

  /** Takes away everything from where it stands up to `end`; stands at the first run after. */
  #clear(end: number): void {
    for (;;) {
      let chunk = this.#chunk;
      if (this.#index === chunk.tail) {
        const next = this.#chunks[this.#at + 1];
        if (next === undefined || (next.start[next.head] as number) >= end) return;
        chunk = this.#chunk = next;
        this.#at++;
        this.#index = next.head;
      }
      const from = this.#index;
      let to = from;
      while (to < chunk.tail && (chunk.start[to] as number) + (chunk.length[to] as number) <= end)
        to++;
      if (to > from) this.#remove(from, to);
      if (this.#index < this.#chunk.tail) {
        this.#trim(end);
        return;
      }
      if (this.#at + 1 >= this.#chunks.length) return;
    }
  }

  /** Moves the start of the run where it stands up to `end`, if it starts before. */
  #trim(end: number): void {
    const chunk = this.#chunk;
    const index = this.#index;
    const cut = end - (chunk.start[index] as number);
    if (cut <= 0) return;
    chunk.start[index] = end;
    chunk.length[index] = (chunk.length[index] as number) - cut;
    const step = this.#stepOf(chunk.tag[index] as number);
    chunk.base[index] = (chunk.base[index] as number) + cut * step;
  }

  #remove(from: number, to: number): void {
    const chunk = this.#chunk;
    this.#runCount -= to - from;
    if (from === chunk.head) {
      chunk.head = to;
      this.#index = to;
    } else {
      chunk.move(from, to, chunk.tail);
      chunk.tail -= to - from;
    }
    if (chunk.head < chunk.tail || this.#chunks.length === 1) return;
    this.#chunks.splice(this.#at, 1);
    if (this.#at === this.#chunks.length) {
      this.#at--;
      this.#chunk = this.#chunks[this.#at] as Chunk;
      this.#index = this.#chunk.tail;
    } else {
      this.#chunk = this.#chunks[this.#at] as Chunk;
      this.#index = this.#chunk.head;
    }
  }

  /** Adds [page, end) where it stands, joining it with equal neighbours; stands on the result. */
  #add(page: number, end: number, tag: number, base: number): void {
    const step = this.#stepOf(tag);
    const isJoined = this.#joinPrevious(page, end, tag, base, step);
    if (!isJoined) this.#insert(page, end - page, tag, base);
    this.#joinNext(end, tag, base + (end - page) * step);
    this.#load(page, this.#index);
  }

  #joinPrevious(page: number, end: number, tag: number, base: number, step: number): boolean {
    let chunk = this.#chunk;
    let at = this.#at;
    let index = this.#index - 1;
    if (index < chunk.head) {
      if (at === 0) return false;
      at--;
      chunk = this.#chunks[at] as Chunk;
      index = chunk.tail - 1;
    }
    const start = chunk.start[index] as number;
    const length = chunk.length[index] as number;
    if (start + length !== page || chunk.tag[index] !== tag) return false;
    if ((chunk.base[index] as number) + length * step !== base) return false;
    chunk.length[index] = end - start;
    this.#chunk = chunk;
    this.#at = at;
    this.#index = index;
    return true;
  }

  /** Joins the run after the one where it stands, if it continues it at (`end`, `tag`, `base`). */
  #joinNext(end: number, tag: number, base: number): void {
    const { start, length } = this.#chunk;
    const index = this.#index;
    let next = this.#chunk;
    let nextIndex = index + 1;
    if (nextIndex === next.tail) {
      if (this.#at + 1 >= this.#chunks.length) return;
      next = this.#chunks[this.#at + 1] as Chunk;
      nextIndex = next.head;
    }
    if (next.start[nextIndex] !== end || next.tag[nextIndex] !== tag) return;
    if (next.base[nextIndex] !== base) return;
    length[index] = end + (next.length[nextIndex] as number) - (start[index] as number);
    const [chunk, at] = [this.#chunk, this.#at];
    if (next !== chunk) {
      this.#chunk = next;
      this.#at = at + 1;
    }
    this.#remove(nextIndex, nextIndex + 1);
    this.#chunk = chunk;
    this.#at = at;
    this.#index = index;
  }

  /** Puts a run before the one where it stands; stands on it. */
  #insert(start: number, runLength: number, tag: number, base: number): void {
    this.#runCount++;
    if (this.#chunk.tail - this.#chunk.head === CHUNK_RUNS) this.#makeRoom();
    const chunk = this.#chunk;
    let index = this.#index;
    if (chunk.head > 0 && index - chunk.head <= chunk.tail - index) {
      chunk.move(chunk.head - 1, chunk.head, index);
      chunk.head--;
      index--;
    } else if (chunk.tail < CHUNK_RUNS) {
      chunk.move(index + 1, index, chunk.tail);
      chunk.tail++;
    } else {
      chunk.move(chunk.head - 1, chunk.head, index);
      chunk.head--;
      index--;
    }
    chunk.put(index, start, runLength, tag, base);
    this.#index = index;
    this.#load(start, index);
  }

  /** Splits the full current chunk; appending at its end starts a fresh chunk instead. */
  #makeRoom(): void {
    const chunk = this.#chunk;
    const isAppend = this.#index === chunk.tail;
    const from = isAppend ? chunk.tail : chunk.head + CHUNK_RUNS / 2;
    const upper = isAppend ? new Chunk() : chunk.split(from);
    this.#chunks.splice(this.#at + 1, 0, upper);
    if (this.#index < from) return;
    this.#at++;
    this.#chunk = upper;
    if (isAppend) this.#index = 0;
  }
}
