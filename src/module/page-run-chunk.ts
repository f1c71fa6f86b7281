/** Runs a chunk can hold: splitting and shifting move at most this many. */
export const CHUNK_RUNS = 256;

/** Room of a new chunk: most maps of a TD hold a handful of runs all their life. */
const FIRST_ROOM = 8;

/** A sorted stretch of page runs in typed arrays, which grow until they hold CHUNK_RUNS. */
export class Chunk {
  start: Float64Array;
  length: Float64Array;
  base: Float64Array;
  tag: Int32Array;
  /** Runs that there is room for. */
  room: number;
  /** Live runs are [head, tail): either end can give way without moving the other runs. */
  head = 0;
  tail = 0;

  constructor(room = FIRST_ROOM) {
    this.room = room;
    this.start = new Float64Array(room);
    this.length = new Float64Array(room);
    this.base = new Float64Array(room);
    this.tag = new Int32Array(room);
  }

  get isFull(): boolean {
    return this.tail - this.head === this.room;
  }

  /** Doubles the room; runs keep their places. */
  grow(): void {
    const larger = this.#copyWithRoom(Math.min(CHUNK_RUNS, this.room * 2));
    this.room = larger.room;
    this.start = larger.start;
    this.length = larger.length;
    this.base = larger.base;
    this.tag = larger.tag;
  }

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
    return this.#copyWithRoom(this.room);
  }

  #copyWithRoom(room: number): Chunk {
    const twin = new Chunk(room);
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
