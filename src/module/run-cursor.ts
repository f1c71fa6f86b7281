import { Chunk } from "./page-run-chunk.ts";
import { KIND_MASK, type StepOfTag, UNKNOWN } from "./run-tag.ts";

/** Where every list begins: in use by all, and copied by whoever writes to it first. */
export const EMPTY = new Chunk();
EMPTY.isShared = true;

const tables = new WeakMap<StepOfTag, Float64Array>();

/** The step of every tag by its low four bits: looked up in hot loops, so a table, not a call. */
function stepsOf(stepOf: StepOfTag): Float64Array {
  let steps = tables.get(stepOf);
  if (steps === undefined) {
    steps = Float64Array.from({ length: KIND_MASK + 1 }, (_, kind) => stepOf(kind));
    tables.set(stepOf, steps);
  }
  return steps;
}

/**
 * Sorted runs in a list of chunks, and a cursor: it stands at the run around the page last looked
 * up, or for a gap at the run after it.
 *
 * Teardown takes page after page from the start of one run and gives it to the run before, or to
 * nobody. That boundary is moved in the cursor alone (`moveStart`), and written to the chunk when
 * the cursor leaves.
 */
export class RunCursor {
  /** Around the page last looked up: a run, or a gap with tag 0. */
  protected start = 0;
  protected end = Number.POSITIVE_INFINITY;
  protected tag = 0;
  protected base = 0;
  protected step = 0;
  /** What ends at `start`: a run of the same chunk or a gap (tag 0), and the base that goes on. */
  protected beforeStart = 0;
  protected beforeTag = UNKNOWN;
  protected nextBase = 0;
  protected beforeStep = 0;
  /** The chunk does not know yet how far `start` has moved. */
  protected isMoved = false;
  /** Chunks from `first` on are in use: a list that is emptied from its start need not be moved. */
  protected chunks: Chunk[] = [EMPTY];
  protected first = 0;
  /** The chunk where the cursor stands, and the run in it. */
  protected at = 0;
  protected chunk: Chunk = EMPTY;
  protected index = 0;
  protected readonly stepOf: StepOfTag;
  protected readonly steps: Float64Array;

  /** @param twin a list with the same steps, which then need not be asked for */
  constructor(stepOf: StepOfTag, twin?: RunCursor) {
    this.stepOf = stepOf;
    this.steps = twin?.steps ?? stepsOf(stepOf);
  }

  protected stepFor(tag: number): number {
    return this.steps[tag & KIND_MASK] as number;
  }

  /** Stands at the run or gap around `page`. */
  protected find(page: number): void {
    this.settleStart();
    if (!this.isInCurrentChunk(page)) this.findChunk(page);
    this.load(page, this.chunk.lastStartingUpTo(page, this.index));
  }

  private isInCurrentChunk(page: number): boolean {
    const { chunk } = this;
    if (this.first === this.chunks.length - 1) return true;
    const { head, tail } = chunk;
    if (head === tail || page < chunk.startOf(head)) return false;
    return page <= chunk.startOf(tail - 1) || this.at === this.chunks.length - 1;
  }

  private findChunk(page: number): void {
    const { chunks } = this;
    let low = this.first;
    let high = chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const chunk = chunks[middle] as Chunk;
      if (chunk.startOf(chunk.head) <= page) low = middle;
      else high = middle - 1;
    }
    this.at = low;
    this.chunk = chunks[low] as Chunk;
  }

  /** Stands at run `index` if it reaches over `page`, else in the gap after it. */
  protected load(page: number, index: number): void {
    const { chunk } = this;
    this.beforeTag = UNKNOWN;
    let gapStart = 0;
    if (index >= chunk.head) {
      const end = chunk.endOf(index);
      if (page < end) {
        this.index = index;
        this.start = chunk.startOf(index);
        this.end = end;
        this.tag = chunk.tagOf(index);
        this.base = chunk.baseOf(index);
        this.step = this.stepFor(this.tag);
        return;
      }
      gapStart = end;
    }
    this.index = index + 1;
    this.start = gapStart;
    this.tag = 0;
    this.base = 0;
    this.step = 0;
    const after = index + 1 < chunk.tail ? chunk : this.chunks[this.at + 1];
    if (after === undefined) this.end = Number.POSITIVE_INFINITY;
    else this.end = after.startOf(after === chunk ? index + 1 : after.head);
  }

  /**
   * Gives the first `count` pages of the run or gap where it stands the state (`tag`, `base`), if
   * they continue what is before and some pages are left. Else false, and nothing is changed.
   */
  protected moveStart(count: number, tag: number, base: number): boolean {
    const end = this.start + count;
    if (tag !== this.beforeTag || base !== this.nextBase || end >= this.end) return false;
    this.nextBase += count * this.beforeStep;
    this.base += count * this.step;
    this.start = end;
    this.isMoved = true;
    return true;
  }

  /** Finds out for `moveStart` what is before the start. A gap there may be empty, and grow. */
  protected lookBefore(tag: number): void {
    this.settleStart();
    const { chunk } = this;
    const before = this.index - 1;
    // A gap does not take pages over from a gap.
    this.beforeTag = this.tag === 0 ? UNKNOWN : 0;
    this.nextBase = 0;
    this.beforeStep = 0;
    if (tag === 0 || before < chunk.head || chunk.endOf(before) !== this.start) return;
    this.beforeStart = chunk.startOf(before);
    this.beforeTag = chunk.tagOf(before);
    this.beforeStep = this.stepFor(this.beforeTag);
    this.nextBase = chunk.baseOf(before) + (this.start - this.beforeStart) * this.beforeStep;
  }

  /** Writes the boundary that `moveStart` moved to the chunk. */
  protected settleStart(): void {
    if (!this.isMoved) return;
    this.isMoved = false;
    this.own();
    if (this.beforeTag > 0) this.chunk.setEnd(this.index - 1, this.start);
    if (this.tag !== 0) this.chunk.setStart(this.index, this.start, this.base);
  }

  /** Makes the chunk where it stands one that can be written to. */
  protected own(): void {
    if (!this.chunk.isShared) return;
    this.chunk = this.chunk.copy();
    this.chunks[this.at] = this.chunk;
  }
}
