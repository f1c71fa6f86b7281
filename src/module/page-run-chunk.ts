/** Runs a chunk can hold: splitting and shifting move at most this many. */
export const CHUNK_RUNS = 256;

/** Room of a new chunk: most maps of a TD hold a handful of runs all their life. */
const FIRST_ROOM = 8;

/**
 * Runs of a slab, of which new chunks get their room: an array of their own would cost as much as
 * everything else that is done with a small chunk. A slab is gone with the last of its chunks.
 */
const SLAB_RUNS = 512;
let slab = new Float64Array(0);
/** Runs of the slab that are given out. */
let slabUsed = SLAB_RUNS;

/** A run is four numbers in a row: first page, first page after it, tag, base. */
const FIELDS = 4;
const END = 1;
const TAG = 2;
const BASE = 3;

/** A sorted stretch of page runs in a typed array, 32 bytes each; it grows to CHUNK_RUNS. */
export class Chunk {
  /** A slab that others have parts of, or an array of its own; its first number for run 0. */
  private runs: Float64Array;
  private offset = 0;
  /** Runs that there is room for. */
  private room: number;
  /** Live runs are [head, tail): either end can give way without moving the other runs. */
  head = 0;
  tail = 0;
  /** In use by more than one list: to be copied before it is written to. */
  isShared = false;

  constructor(room = FIRST_ROOM) {
    this.room = room;
    if (room > FIRST_ROOM) {
      this.runs = new Float64Array(room * FIELDS);
      return;
    }
    if (slabUsed === SLAB_RUNS) {
      slab = new Float64Array(SLAB_RUNS * FIELDS);
      slabUsed = 0;
    }
    this.runs = slab;
    this.offset = slabUsed * FIELDS;
    slabUsed += FIRST_ROOM;
  }

  /** True when it holds all the runs that a chunk can. */
  get isFull(): boolean {
    return this.tail - this.head === CHUNK_RUNS;
  }

  startOf(index: number): number {
    return this.runs[this.offset + index * FIELDS] as number;
  }

  endOf(index: number): number {
    return this.runs[this.offset + index * FIELDS + END] as number;
  }

  tagOf(index: number): number {
    // A small integer again, which a number read from the array is not for the compiler.
    return (this.runs[this.offset + index * FIELDS + TAG] as number) | 0;
  }

  baseOf(index: number): number {
    return this.runs[this.offset + index * FIELDS + BASE] as number;
  }

  setStart(index: number, start: number, base: number): void {
    this.runs[this.offset + index * FIELDS] = start;
    this.runs[this.offset + index * FIELDS + BASE] = base;
  }

  setEnd(index: number, end: number): void {
    this.runs[this.offset + index * FIELDS + END] = end;
  }

  put(index: number, start: number, end: number, tag: number, base: number): void {
    const at = this.offset + index * FIELDS;
    this.runs[at] = start;
    this.runs[at + END] = end;
    this.runs[at + TAG] = tag;
    this.runs[at + BASE] = base;
  }

  /** Makes room for a run before the one at `index`; where it is to be put. */
  open(index: number): number {
    const { head, tail } = this;
    if (tail - head === this.room) this.grow();
    const isLowerHalf = index - head <= tail - index;
    if (head > 0 && (isLowerHalf || tail === this.room)) {
      this.move(head - 1, head, index);
      this.head = head - 1;
      return index - 1;
    }
    this.move(index + 1, index, tail);
    this.tail = tail + 1;
    return index;
  }

  /** Takes the runs [from, to) away; the index of the run that followed them. */
  close(from: number, to: number): number {
    if (from === this.head) {
      this.head = to;
      return to;
    }
    this.move(from, to, this.tail);
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
    const twin = new Chunk(this.room);
    const { head, tail, offset, runs } = this;
    const to = twin.runs;
    let target = twin.offset + head * FIELDS;
    for (let at = offset + head * FIELDS; at < offset + tail * FIELDS; at++) {
      to[target++] = runs[at] as number;
    }
    twin.head = head;
    twin.tail = tail;
    return twin;
  }

  /**
   * Index of the last run that starts at or before `page`; head - 1 where none does. A walk in
   * order wants the run at `hint` or one of the next: those are looked at first, further and
   * further apart.
   */
  lastStartingUpTo(page: number, hint: number): number {
    let { head: low, tail: high } = this;
    if (hint >= low && hint < high) {
      if (this.startOf(hint) > page) high = hint;
      else {
        low = hint + 1;
        let next = low;
        for (let step = 1; next < high && this.startOf(next) <= page; step *= 2) {
          low = next + 1;
          next += step;
        }
        if (next < high) high = next;
      }
    }
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.startOf(middle) <= page) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  private grow(): void {
    const { offset, runs } = this;
    const end = offset + this.room * FIELDS;
    this.room = Math.min(CHUNK_RUNS, this.room * 2);
    this.runs = new Float64Array(this.room * FIELDS);
    this.runs.set(runs.subarray(offset, end));
    this.offset = 0;
  }

  private move(target: number, from: number, to: number): void {
    if (from === to) return;
    const { offset } = this;
    this.runs.copyWithin(offset + target * FIELDS, offset + from * FIELDS, offset + to * FIELDS);
  }
}
