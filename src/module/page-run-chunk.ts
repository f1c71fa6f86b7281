/** Runs a chunk can hold: splitting and shifting move at most this many. */
export const CHUNK_RUNS = 256;

/** A sorted stretch of page runs in typed arrays. */
export class Chunk {
  readonly start = new Float64Array(CHUNK_RUNS);
  readonly length = new Float64Array(CHUNK_RUNS);
  readonly base = new Float64Array(CHUNK_RUNS);
  readonly tag = new Int32Array(CHUNK_RUNS);
  /** Live runs are [head, tail): either end can give way without moving the other runs. */
  head = 0;
  tail = 0;

  /** Moves the runs [from, to) so that the first comes to stand at `target`. */
  move(target: number, from: number, to: number): void {
    if (from === to) return;
    this.start.copyWithin(target, from, to);
    this.length.copyWithin(target, from, to);
    this.base.copyWithin(target, from, to);
    this.tag.copyWithin(target, from, to);
  }

  put(index: number, start: number, length: number, tag: number, base: number): void {
    this.start[index] = start;
    this.length[index] = length;
    this.tag[index] = tag;
    this.base[index] = base;
  }

  /** A new chunk with the runs of this one from `from` on, which leave it. */
  split(from: number): Chunk {
    const upper = this.copy();
    upper.head = from;
    this.tail = from;
    return upper;
  }

  copy(): Chunk {
    const twin = new Chunk();
    twin.start.set(this.start);
    twin.length.set(this.length);
    twin.base.set(this.base);
    twin.tag.set(this.tag);
    twin.head = this.head;
    twin.tail = this.tail;
    return twin;
  }

  /**
   * Index of the last run that starts at or before `page`; head - 1 where none does. A sequential
   * walk wants the run at `hint` or the one after.
   */
  lastStartingUpTo(page: number, hint: number): number {
    const { start, head, tail } = this;
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
}
