import { CHUNK_RUNS, Chunk } from "./page-run-chunk.ts";
import { EMPTY, RunCursor } from "./run-cursor.ts";

/** Fewer empty chunks at the start of a list are not worth moving the others. */
const PASSED_MIN = 64;

/** The edits of a list of runs: each works from the cursor on and leaves it on what it made. */
export class RunList extends RunCursor {
  protected count = 0;

  /** True where the run that starts at `page` may continue the last one of the chunk before. */
  protected isFirstOfLaterChunk(page: number): boolean {
    return page === this.start && this.index === this.chunk.head && this.at > this.first;
  }

  protected replaceRuns(page: number, count: number, tag: number, base: number): void {
    const end = page + count;
    this.settleStart();
    if (page < this.start || page >= this.end) this.find(page);
    if (this.replaceAlone(page, end, tag, base)) return;
    if (this.tag !== 0 && page > this.start) this.#cut(page);
    this.#clear(end);
    if (tag !== 0) this.#add(page, end, tag, base);
    else this.find(page);
  }

  /**
   * The same where these pages are one run or lie in a gap, and continue no run beside them. False
   * elsewhere, and nothing is changed.
   */
  private replaceAlone(page: number, end: number, tag: number, base: number): boolean {
    const { chunk, index } = this;
    if (this.tag === 0) {
      if (tag === 0 || end > this.end || this.isContinued(page, end, tag, index)) return false;
      this.#insert(page, end, tag, base);
      return true;
    }
    if (page !== this.start || end !== this.end) return false;
    if (tag === 0) {
      // The gap may begin in the chunk before, and an empty chunk has to go.
      const isWithin = index > chunk.head || this.at === this.first;
      if (!isWithin || chunk.tail - chunk.head === 1) return false;
      this.own();
      this.count--;
      this.load(page, this.chunk.close(index, index + 1) - 1);
    } else {
      if (this.isContinued(page, end, tag, index + 1)) return false;
      this.own();
      this.chunk.put(index, page, end, tag, base);
      this.load(page, index);
    }
    return true;
  }

  /**
   * Whether the run before where it stands ends at `page`, or the one at `next` starts at `end`,
   * with this tag.
   */
  private isContinued(page: number, end: number, tag: number, next: number): boolean {
    const { chunk, index, chunks, at } = this;
    if (index > chunk.head) {
      if (chunk.endOf(index - 1) === page && chunk.tagOf(index - 1) === tag) return true;
    } else if (at > this.first) {
      const before = chunks[at - 1] as Chunk;
      const last = before.tail - 1;
      if (before.endOf(last) === page && before.tagOf(last) === tag) return true;
    }
    const after = next < chunk.tail ? chunk : chunks[at + 1];
    if (after === undefined) return false;
    const first = after === chunk ? next : after.head;
    return after.startOf(first) === end && after.tagOf(first) === tag;
  }

  /** Chunks go to the copy as they are; whoever writes to one first makes it its own. */
  protected shareRunsWith(copy: RunList): void {
    this.settleStart();
    for (const chunk of this.chunks) chunk.isShared = true;
    copy.chunks = this.chunks.slice(this.first);
    copy.at = 0;
    copy.chunk = copy.chunks[0] as Chunk;
    copy.index = 0;
    copy.count = this.count;
    copy.find(0);
  }

  /** Splits the run where it stands before `page`; stands at the second part. */
  #cut(page: number): void {
    const { end, tag } = this;
    const base = this.base + (page - this.start) * this.step;
    this.own();
    this.chunk.setEnd(this.index, page);
    this.index++;
    this.#insert(page, end, tag, base);
  }

  /** Takes away everything from where it stands up to `end`; stands at the first run after. */
  #clear(end: number): void {
    for (;;) {
      if (this.index === this.chunk.tail) {
        const next = this.chunks[this.at + 1];
        if (next === undefined || next.startOf(next.head) >= end) return;
        this.chunk = next;
        this.at++;
        this.index = next.head;
      }
      const { chunk, index: from } = this;
      let to = from;
      while (to < chunk.tail && chunk.endOf(to) <= end) to++;
      if (to > from && this.#remove(from, to)) continue;
      if (this.index < this.chunk.tail) {
        this.#trim(end);
        return;
      }
      if (this.at + 1 >= this.chunks.length) return;
    }
  }

  /** Moves the start of the run where it stands up to `end`, if it starts before. */
  #trim(end: number): void {
    const { index } = this;
    const cut = end - this.chunk.startOf(index);
    if (cut <= 0) return;
    this.own();
    const { chunk } = this;
    chunk.setStart(index, end, chunk.baseOf(index) + cut * this.stepFor(chunk.tagOf(index)));
  }

  /** Removes runs of the chunk; true when it was emptied and the cursor stands in another one. */
  #remove(from: number, to: number): boolean {
    this.count -= to - from;
    if (from === this.chunk.head && to === this.chunk.tail && this.chunks.length > this.first + 1) {
      this.#dropChunk();
      return true;
    }
    this.own();
    this.index = this.chunk.close(from, to);
    return false;
  }

  #dropChunk(): void {
    if (this.at === this.first) this.#passFirst();
    else this.chunks.splice(this.at, 1);
    const isLast = this.at === this.chunks.length;
    if (isLast) this.at--;
    this.chunk = this.chunks[this.at] as Chunk;
    this.index = isLast ? this.chunk.tail : this.chunk.head;
  }

  /** The first chunk is empty: it is left behind, and moved out when it is half of all. */
  #passFirst(): void {
    this.chunks[this.first] = EMPTY;
    this.first++;
    this.at++;
    if (this.first * 2 < this.chunks.length || this.first < PASSED_MIN) return;
    this.chunks.splice(0, this.first);
    this.at -= this.first;
    this.first = 0;
  }

  /** Adds [page, end) where it stands, joining it with equal neighbours; stands at the result. */
  #add(page: number, end: number, tag: number, base: number): void {
    const step = this.stepFor(tag);
    const isJoined = this.#joinPrevious(page, end, tag, base, step);
    if (!isJoined) this.#insert(page, end, tag, base);
    this.#joinNext(end, tag, base + (end - page) * step);
    this.load(page, this.index);
  }

  #joinPrevious(page: number, end: number, tag: number, base: number, step: number): boolean {
    let { chunk, at } = this;
    let index = this.index - 1;
    if (index < chunk.head) {
      if (at === this.first) return false;
      at--;
      chunk = this.chunks[at] as Chunk;
      index = chunk.tail - 1;
    }
    if (chunk.endOf(index) !== page || chunk.tagOf(index) !== tag) return false;
    if (chunk.baseOf(index) + (page - chunk.startOf(index)) * step !== base) return false;
    this.chunk = chunk;
    this.at = at;
    this.index = index;
    this.own();
    this.chunk.setEnd(index, end);
    return true;
  }

  /** Joins the run after the one where it stands, if it continues it at (`end`, `tag`, `base`). */
  #joinNext(end: number, tag: number, base: number): void {
    const { at, index } = this;
    let next = this.chunk;
    let nextIndex = index + 1;
    if (nextIndex === next.tail) {
      if (at + 1 >= this.chunks.length) return;
      next = this.chunks[at + 1] as Chunk;
      nextIndex = next.head;
    }
    if (next.startOf(nextIndex) !== end || next.tagOf(nextIndex) !== tag) return;
    if (next.baseOf(nextIndex) !== base) return;
    this.own();
    this.chunk.setEnd(index, next.endOf(nextIndex));
    if (nextIndex !== index + 1) {
      this.chunk = next;
      this.at = at + 1;
    }
    this.#remove(nextIndex, nextIndex + 1);
    this.at = at;
    this.chunk = this.chunks[at] as Chunk;
    this.index = index;
  }

  /** Puts a run before the one where it stands; stands at it. */
  #insert(start: number, end: number, tag: number, base: number): void {
    this.count++;
    this.own();
    if (this.chunk.isFull) this.#makeRoom();
    const index = this.chunk.open(this.index);
    this.chunk.put(index, start, end, tag, base);
    this.load(start, index);
  }

  /** Splits the full chunk where it stands; appending at its end starts a fresh chunk instead. */
  #makeRoom(): void {
    const { chunk } = this;
    const isAppend = this.index === chunk.tail;
    const from = isAppend ? chunk.tail : chunk.head + CHUNK_RUNS / 2;
    // The next one of a long list gets long too.
    const upper = isAppend ? new Chunk(CHUNK_RUNS) : chunk.split(from);
    this.chunks.splice(this.at + 1, 0, upper);
    if (this.index < from) return;
    this.at++;
    this.chunk = upper;
    if (isAppend) this.index = 0;
  }
}
