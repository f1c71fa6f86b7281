import { RunList } from "./run-list.ts";
import { NONE, type StepOfTag } from "./run-tag.ts";

export { ALIKE, NEXT_PAGE } from "./run-tag.ts";

/** One run of pages in the same state: `base` belongs to `start`, see {@link StepOfTag}. */
export interface PageRun {
  readonly start: number;
  readonly length: number;
  readonly tag: number;
  readonly base: number;
}

export type { StepOfTag };

/**
 * A map from page numbers to a state (`tag`, a non-negative integer) and a number that belongs to
 * the page (`base`), kept as maximal runs. Pages never assigned have tag 0, which is not stored.
 *
 * Runs live in sorted chunks of typed arrays: look-up is logarithmic, sequential assignment and
 * removal are constant amortised, and a fragmented map costs 32 bytes a run. One page may be held
 * apart from the runs: a page that is blocked now and removed next would split its run for nothing.
 */
export class PageRuns extends RunList {
  /** The page held apart, and its state. */
  private apart = NONE;
  private apartTag = 0;
  private apartBase = 0;
  private sought = 0;

  get runCount(): number {
    if (this.apart !== NONE) this.settle();
    return this.count;
  }

  /** True while every page has tag 0. */
  get isEmpty(): boolean {
    return this.count === 0 && this.apart === NONE;
  }

  /** The tag of `page`; `runStart`, `runEnd` and `baseAt` speak of the run or gap around it. */
  seek(page: number): number {
    this.sought = page;
    if (page === this.apart) return this.apartTag;
    if (page < this.start || page >= this.end) this.find(page);
    return this.tag;
  }

  /** The tag of `page`. What `seek` found stays: the page just before it is looked at in passing. */
  tagAt(page: number): number {
    if (page === this.apart) return this.apartTag;
    if (page >= this.start) {
      if (page < this.end) return this.tag;
    } else if (this.beforeTag > 0 && page >= this.beforeStart) return this.beforeTag;
    return this.seek(page);
  }

  /** First page of the run or gap that `seek` found. */
  get runStart(): number {
    if (this.apart !== NONE) this.settle();
    this.seek(this.sought);
    return this.start;
  }

  /** First page after the run or gap that `seek` found; Infinity where no run follows. */
  get runEnd(): number {
    const apart = this.apart;
    if (apart === NONE) return this.end;
    const page = this.sought;
    if (page === apart) return apart + 1;
    return page < apart && apart < this.end ? apart : this.end;
  }

  /** The number that belongs to `page`, which lies in the run that `seek` found. */
  baseAt(page: number): number {
    return page === this.apart ? this.apartBase : this.base + (page - this.start) * this.step;
  }

  /** Moves to the first run that ends after `page`, as `seek`; false when there is none. */
  seekRun(page: number): boolean {
    if (this.apart !== NONE) this.settle();
    if (this.seek(page) !== 0) return true;
    if (this.end === Number.POSITIVE_INFINITY) return false;
    this.seek(this.end);
    return true;
  }

  /** Gives `count` pages from `page` on the state (`tag`, `base`); tag 0 takes their state away. */
  assign(page: number, count: number, tag: number, base: number): void {
    const isAlone = this.apart === NONE || (page === this.apart && count === 1);
    if (isAlone && page === this.start && this.moveStart(count, tag, base)) this.apart = NONE;
    // Pages without a tag have no base either.
    else this.assignElsewhere(page, count, tag, tag === 0 ? 0 : base);
  }

  private assignElsewhere(page: number, count: number, tag: number, base: number): void {
    if (page === this.apart && count === 1) this.apart = NONE;
    else if (this.apart !== NONE) this.settle();
    if (page < this.start || page >= this.end) this.find(page);
    if (tag === 0 && this.tag === 0 && page + count <= this.end) return;
    if (page === this.start) {
      this.lookBefore(tag);
      if (this.moveStart(count, tag, base)) return;
    }
    if (count === 1 && page + 1 < this.end && !this.isFirstOfLaterChunk(page)) {
      // Its run says so already: held apart, the page would cut the run in two for those who look.
      if (tag === this.tag && base === this.base + (page - this.start) * this.step) return;
      this.apart = page;
      this.apartTag = tag;
      this.apartBase = base;
    } else this.replaceRuns(page, count, tag, base);
  }

  *runs(from = 0, to = Number.POSITIVE_INFINITY): Generator<PageRun> {
    if (this.apart !== NONE) this.settle();
    let page = from;
    while (page < to) {
      const tag = this.seek(page);
      const end = Math.min(this.end, to);
      if (tag !== 0) yield { start: page, length: end - page, tag, base: this.baseAt(page) };
      page = end;
    }
  }

  clone(): PageRuns {
    if (this.apart !== NONE) this.settle();
    const copy = new PageRuns(this.stepOf, this);
    if (this.count > 0) this.shareRunsWith(copy);
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

  /** Puts the page held apart into the runs. */
  private settle(): void {
    const page = this.apart;
    this.apart = NONE;
    this.replaceRuns(page, 1, this.apartTag, this.apartBase);
  }
}
