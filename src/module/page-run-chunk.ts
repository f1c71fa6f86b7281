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

  move(target: number, from: number, to: number): void {
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
}
