import { CHUNK_RUNS, Chunk } from "./page-run-chunk.ts";

/** How far `base` advances from one page to the next; it depends on the low four bits of the tag. */
export type StepOfTag = (tag: number) => number;

const TAG_KINDS = 16;

/**
 * Sorted runs in chunks of typed arrays, and a cursor: it stands at the run around the page last
 * looked up, or for a gap at the run after it. The edits work from the cursor on and move it along.
 */
export class RunList {
  /** Around the page last looked up: a run, or a gap with tag 0. */
  protected start = 0;
  protected end = Number.POSITIVE_INFINITY;
  protected tag = 0;
  protected base = 0;
  protected step = 0;
  protected chunk: Chunk = new Chunk();
  protected index = 0;
  protected count = 0;
  /** The step of every tag by its low four bits: looked up in hot loops, so a table, not a call. */
  protected readonly steps = new Float64Array(TAG_KINDS);
  protected readonly stepOf: StepOfTag;
  #chunks: Chunk[] = [this.chunk];
  #at = 0;

  constructor(stepOf: StepOfTag) {
    this.stepOf = stepOf;
    for (let kind = 0; kind < TAG_KINDS; kind++) this.steps[kind] = stepOf(kind);
  }

  protected find(page: number): void {
    if (!this.#isInCurrentChunk(page)) {
      const chunks = this.#chunks;
      let low = 0;
      let high = chunks.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        const chunk = chunks[middle] as Chunk;
        if ((chunk.start[chunk.head] as number) <= page) low = middle;
        else high = middle - 1;
      }
      this.#at = low;
      this.chunk = chunks[low] as Chunk;
    }
    this.#load(page, this.chunk.lastStartingUpTo(page, this.index));
  }

  /** True where the run that starts at `page` may continue the last one of the chunk before. */
  protected isFirstOfLaterChunk(page: number): boolean {
    return page === this.start && this.index === this.chunk.head && this.#at > 0;
  }

  protected replaceRuns(page: number, count: number, tag: number, base: number): void {
    const end = page + count;
    if (page < this.start || page >= this.end) this.find(page);
    if (this.tag !== 0 && page > this.start) this.#cut(page);
    this.#clear(end);
    if (tag !== 0) this.#add(page, end, tag, base);
    else this.find(page);
  }

  protected copyRunsTo(other: RunList): void {
    other.#chunks = this.#chunks.map((chunk) => chunk.copy());
    other.#at = 0;
    other.chunk = other.#chunks[0] as Chunk;
    other.index = 0;
    other.count = this.count;
    other.find(0);
  }

  #isInCurrentChunk(page: number): boolean {
    const { head, tail, start } = this.chunk;
    if (head === tail || page < (start[head] as number)) return false;
    return page <= (start[tail - 1] as number) || this.#at === this.#chunks.length - 1;
  }

  /** Stands on run `index` if it reaches over `page`, else in the gap after it. */
  #load(page: number, index: number): void {
    const chunk = this.chunk;
    let gapStart = 0;
    if (index >= chunk.head) {
      const start = chunk.start[index] as number;
      const end = start + (chunk.length[index] as number);
      if (page < end) {
        this.index = index;
        this.start = start;
        this.end = end;
        this.base = chunk.base[index] as number;
        this.tag = chunk.tag[index] as number;
        this.step = this.steps[this.tag & (TAG_KINDS - 1)] as number;
        return;
      }
      gapStart = end;
    }
    this.index = index + 1;
    this.start = gapStart;
    this.base = 0;
    this.step = 0;
    this.tag = 0;
    const after = index + 1 < chunk.tail ? chunk : this.#chunks[this.#at + 1];
    if (after === undefined) this.end = Number.POSITIVE_INFINITY;
    else this.end = after.start[after === chunk ? index + 1 : after.head] as number;
  }

  /** Splits the run that `seek` stands on before `page`; stands on the second part. */
  #cut(page: number): void {
    const { start, end, tag } = this;
    const base = this.base + (page - start) * this.step;
    this.chunk.length[this.index] = page - start;
    this.index++;
    this.#insert(page, end - page, tag, base);
  }

  /** Takes away everything from where it stands up to `end`; stands at the first run after. */
  #clear(end: number): void {
    for (;;) {
      let chunk = this.chunk;
      if (this.index === chunk.tail) {
        const next = this.#chunks[this.#at + 1];
        if (next === undefined || (next.start[next.head] as number) >= end) return;
        chunk = this.chunk = next;
        this.#at++;
        this.index = next.head;
      }
      const from = this.index;
      let to = from;
      while (to < chunk.tail && (chunk.start[to] as number) + (chunk.length[to] as number) <= end)
        to++;
      if (to > from) this.#remove(from, to);
      // The chunk was emptied and another one stands in its place.
      if (this.chunk !== chunk) continue;
      if (this.index < this.chunk.tail) {
        this.#trim(end);
        return;
      }
      if (this.#at + 1 >= this.#chunks.length) return;
    }
  }

  /** Moves the start of the run where it stands up to `end`, if it starts before. */
  #trim(end: number): void {
    const chunk = this.chunk;
    const index = this.index;
    const cut = end - (chunk.start[index] as number);
    if (cut <= 0) return;
    chunk.start[index] = end;
    chunk.length[index] = (chunk.length[index] as number) - cut;
    const step = this.steps[(chunk.tag[index] as number) & (TAG_KINDS - 1)] as number;
    chunk.base[index] = (chunk.base[index] as number) + cut * step;
  }

  #remove(from: number, to: number): void {
    const chunk = this.chunk;
    this.count -= to - from;
    if (from === chunk.head) {
      chunk.head = to;
      this.index = to;
    } else {
      chunk.move(from, to, chunk.tail);
      chunk.tail -= to - from;
    }
    if (chunk.head < chunk.tail || this.#chunks.length === 1) return;
    this.#chunks.splice(this.#at, 1);
    if (this.#at === this.#chunks.length) {
      this.#at--;
      this.chunk = this.#chunks[this.#at] as Chunk;
      this.index = this.chunk.tail;
    } else {
      this.chunk = this.#chunks[this.#at] as Chunk;
      this.index = this.chunk.head;
    }
  }

  /** Adds [page, end) where it stands, joining it with equal neighbours; stands on the result. */
  #add(page: number, end: number, tag: number, base: number): void {
    const step = this.steps[tag & (TAG_KINDS - 1)] as number;
    const isJoined = this.#joinPrevious(page, end, tag, base, step);
    if (!isJoined) this.#insert(page, end - page, tag, base);
    this.#joinNext(end, tag, base + (end - page) * step);
    this.#load(page, this.index);
  }

  #joinPrevious(page: number, end: number, tag: number, base: number, step: number): boolean {
    let chunk = this.chunk;
    let at = this.#at;
    let index = this.index - 1;
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
    this.chunk = chunk;
    this.#at = at;
    this.index = index;
    return true;
  }

  /** Joins the run after the one where it stands, if it continues it at (`end`, `tag`, `base`). */
  #joinNext(end: number, tag: number, base: number): void {
    const { start, length } = this.chunk;
    const index = this.index;
    let next = this.chunk;
    let nextIndex = index + 1;
    if (nextIndex === next.tail) {
      if (this.#at + 1 >= this.#chunks.length) return;
      next = this.#chunks[this.#at + 1] as Chunk;
      nextIndex = next.head;
    }
    if (next.start[nextIndex] !== end || next.tag[nextIndex] !== tag) return;
    if (next.base[nextIndex] !== base) return;
    length[index] = end + (next.length[nextIndex] as number) - (start[index] as number);
    const [chunk, at] = [this.chunk, this.#at];
    if (next !== chunk) {
      this.chunk = next;
      this.#at = at + 1;
    }
    this.#remove(nextIndex, nextIndex + 1);
    this.chunk = chunk;
    this.#at = at;
    this.index = index;
  }

  /** Puts a run before the one where it stands; stands on it. */
  #insert(start: number, runLength: number, tag: number, base: number): void {
    this.count++;
    if (this.chunk.isFull) {
      if (this.chunk.room < CHUNK_RUNS) this.chunk.grow();
      else this.#makeRoom();
    }
    const chunk = this.chunk;
    let index = this.index;
    if (chunk.head > 0 && index - chunk.head <= chunk.tail - index) {
      chunk.move(chunk.head - 1, chunk.head, index);
      chunk.head--;
      index--;
    } else if (chunk.tail < chunk.room) {
      chunk.move(index + 1, index, chunk.tail);
      chunk.tail++;
    } else {
      chunk.move(chunk.head - 1, chunk.head, index);
      chunk.head--;
      index--;
    }
    chunk.put(index, start, runLength, tag, base);
    this.index = index;
    this.#load(start, index);
  }

  /** Splits the full current chunk; appending at its end starts a fresh chunk instead. */
  #makeRoom(): void {
    const chunk = this.chunk;
    const isAppend = this.index === chunk.tail;
    const from = isAppend ? chunk.tail : chunk.head + CHUNK_RUNS / 2;
    const upper = isAppend ? new Chunk() : chunk.split(from);
    this.#chunks.splice(this.#at + 1, 0, upper);
    if (this.index < from) return;
    this.#at++;
    this.chunk = upper;
    if (isAppend) this.index = 0;
  }
}
