/** Runs a chunk can hold: splitting and shifting move at most this many. */
export const CHUNK_RUNS = 256;

/** Room of a new chunk: most maps of a TD hold a handful of runs all their life. */
const FIRST_ROOM = 8;

/** A run is four numbers in a row: first page, first page after it, tag, base. */
const FIELDS = 4;
const END = 1;
const TAG = 2;
const BASE = 3;

/** A sorted stretch of page runs in one typed array, 32 bytes each; it grows to CHUNK_RUNS. */
export class Chunk {
  #runs: Float64Array;
  /** Runs that there is room for. */
  #room: number;
  /** Live runs are [head, tail): either end can give way without moving the other runs. */
  head = 0;
  tail = 0;
  /** In use by more than one list: to be copied before it is written to. */
  isShared = false;

  constructor(room = FIRST_ROOM) {
    this.#room = room;
    this.#runs = new Float64Array(room * FIELDS);
  }

  /** True when it holds all the runs that a chunk can. */
  get isFull(): boolean {
    return this.tail - this.head === CHUNK_RUNS;
  }

  startOf(index: number): number {
    return this.#runs[index * FIELDS] as number;
  }

  endOf(index: number): number {
    return this.#runs[index * FIELDS + END] as number;
  }

  tagOf(index: number): number {
    // A small integer again, which a number read from the array is not for the compiler.
    return (this.#runs[index * FIELDS + TAG] as number) | 0;
  }

  baseOf(index: number): number {
    return this.#runs[index * FIELDS + BASE] as number;
  }

  setStart(index: number, start: number, base: number): void {
    this.#runs[index * FIELDS] = start;
    this.#runs[index * FIELDS + BASE] = base;
  }

  setEnd(index: number, end: number): void {
    this.#runs[index * FIELDS + END] = end;
  }

  put(index: number, start: number, end: number, tag: number, base: number): void {
    const at = index * FIELDS;
    this.#runs[at] = start;
    this.#runs[at + END] = end;
    this.#runs[at + TAG] = tag;
    this.#runs[at + BASE] = base;
  }

  /** Makes room for a run before the one at `index`; where it is to be put. */
  open(index: number): number {
    const { head, tail } = this;
    if (tail - head === this.#room) this.#grow();
    const isLowerHalf = index - head <= tail - index;
    if (head > 0 && (isLowerHalf || tail === this.#room)) {
      this.#move(head - 1, head, index);
      this.head = head - 1;
      return index - 1;
    }
    this.#move(index + 1, index, tail);
    this.tail = tail + 1;
    return index;
  }

  /** Takes the runs [from, to) away; the index of the run that followed them. */
  close(from: number, to: number): number {
    if (from === this.head) {
      this.head = to;
      return to;
    }
    this.#move(from, to, this.tail);
    this.tail -= to - from;
    return from;
  }

  /** A new chunk with the runs of this one from `from` on, which leave it. */
  split(from: number): Chunk {
    const upper = this.copy();
    upper.head = from;
    this.tail = from;
    return upper;
  }

  copy(): Chunk {
    const twin = new Chunk(this.#room);
    twin.#runs.set(this.#runs);
    twin.head = this.head;
    twin.tail = this.tail;
    return twin;
  }

  /**
   * Index of the last run that starts at or before `page`; head - 1 where none does. A sequential
   * walk wants the run at `hint` or the one after.
   */
  lastStartingUpTo(page: number, hint: number): number {
    const { head, tail } = this;
    if (hint >= head && hint + 1 < tail && this.startOf(hint) <= page) {
      if (page < this.startOf(hint + 1)) return hint;
      if (hint + 2 < tail && page < this.startOf(hint + 2)) return hint + 1;
    }
    let low = head;
    let high = tail;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.startOf(middle) <= page) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #grow(): void {
    this.#room = Math.min(CHUNK_RUNS, this.#room * 2);
    const runs = new Float64Array(this.#room * FIELDS);
    runs.set(this.#runs);
    this.#runs = runs;
  }

  #move(target: number, from: number, to: number): void {
    if (from === to) return;
    this.#runs.copyWithin(target * FIELDS, from * FIELDS, to * FIELDS);
  }
}
