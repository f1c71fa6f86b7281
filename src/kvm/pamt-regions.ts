import { ALIKE, PageRuns, type StepOfTag } from "../module/page-runs.ts";
import { Arena, type ArenaSnapshot, type Pages } from "./arena.ts";

/** 4 KiB pages in a region that shares one pair of PAMT pages. */
export const PAGES_PER_REGION = 512;
/** PAMT pages of a region (kvm-teardown D.3). */
export const PAGES_PER_PAIR = 2;
const PAIR_AFTER_PAIR: StepOfTag = () => PAGES_PER_PAIR;

export interface RegionRun {
  readonly region: number;
  readonly count: number;
  /** First page of the PAMT pair of the first region; those of the others follow. */
  readonly pair: number;
}

/**
 * What a kernel with Dynamic PAMT keeps of physical memory: which regions of 2 MiB have PAMT pages,
 * and how many of their 4 KiB pages TDs use.
 */
export class PamtRegions {
  readonly #pages: Arena;
  /** Regions with PAMT pages; the base is the pair's first page. */
  readonly #pairs: PageRuns;
  /** Users of each region as the tag. */
  readonly #users: PageRuns;
  /** Regions with PAMT pages and no user. */
  readonly #idle: PageRuns;

  /** @param pages for PAMT: a pair for every region, so that they never run out */
  constructor(
    pages: Arena,
    pairs = new PageRuns(PAIR_AFTER_PAIR),
    users = new PageRuns(ALIKE),
    idle = new PageRuns(ALIKE),
  ) {
    this.#pages = pages;
    this.#pairs = pairs;
    this.#users = users;
    this.#idle = idle;
  }

  /** The first regions among those of these pages without PAMT pages; new pairs are taken. */
  takePairs(pfn: number, pages: number): RegionRun | null {
    const end = Math.floor((pfn + pages - 1) / PAGES_PER_REGION) + 1;
    let region = Math.floor(pfn / PAGES_PER_REGION);
    while (this.#pairs.seek(region) !== 0) region = this.#pairs.runEnd;
    if (region >= end) return null;
    const missing = Math.min(end, this.#pairs.runEnd) - region;
    const { page, count } = this.#pages.alloc(missing * PAGES_PER_PAIR, PAGES_PER_PAIR) as Pages;
    return { region, count: count / PAGES_PER_PAIR, pair: page };
  }

  /** Says how many of the regions of `takePairs` got their pages; the other pairs go back. */
  add({ region, count, pair }: RegionRun, added: number): void {
    if (added > 0) {
      this.#pairs.assign(region, added, 1, pair);
      this.#idle.assign(region, added, 1, 0);
    }
    if (added < count) {
      this.#pages.free(pair + added * PAGES_PER_PAIR, (count - added) * PAGES_PER_PAIR);
    }
  }

  /** Pages of regions with PAMT pages come into use. */
  get(pfn: number, pages: number): void {
    this.#change(pfn, pages, 1);
  }

  /** Pages come back; regions without a further user are idle from now on. */
  put(pfn: number, pages: number): void {
    this.#change(pfn, pages, -1);
  }

  /** The first idle regions with pairs that follow each other. */
  firstIdle(): RegionRun | null {
    if (!this.#idle.seekRun(0)) return null;
    const region = this.#idle.runStart;
    const idle = this.#idle.runEnd - region;
    this.#pairs.seek(region);
    const count = Math.min(idle, this.#pairs.runEnd - region);
    return { region, count, pair: this.#pairs.baseAt(region) };
  }

  /** The first `removed` of these regions gave their PAMT pages back. */
  remove({ region, pair }: RegionRun, removed: number): void {
    if (removed === 0) return;
    this.#pairs.assign(region, removed, 0, 0);
    this.#idle.assign(region, removed, 0, 0);
    this.#pages.free(pair, removed * PAGES_PER_PAIR);
  }

  /** PAMT.REMOVE failed: the region keeps its pages, and nobody asks for them again. */
  forget(region: number): void {
    this.#idle.assign(region, 1, 0, 0);
  }

  #change(pfn: number, pages: number, sign: 1 | -1): void {
    const end = pfn + pages;
    for (let at = pfn; at < end; ) {
      const region = Math.floor(at / PAGES_PER_REGION);
      const before = this.#users.seek(region);
      // Whole regions change together, for a page is used once: all of them by all, or by none.
      const whole = at % PAGES_PER_REGION === 0 ? Math.floor((end - at) / PAGES_PER_REGION) : 0;
      const count = Math.max(1, whole);
      const next = Math.min(end, (region + count) * PAGES_PER_REGION);
      const after = before + (sign * (next - at)) / count;
      this.#users.assign(region, count, after, 0);
      this.#idle.assign(region, count, after === 0 ? 1 : 0, 0);
      at = next;
    }
  }

  clone(): PamtRegions {
    return new PamtRegions(
      this.#pages.clone(),
      this.#pairs.clone(),
      this.#users.clone(),
      this.#idle.clone(),
    );
  }

  toJSON(): PamtRegionsSnapshot {
    return {
      pages: this.#pages.toJSON(),
      pairs: this.#pairs.toArray(),
      users: this.#users.toArray(),
      idle: this.#idle.toArray(),
    };
  }

  static restore(snapshot: PamtRegionsSnapshot): PamtRegions {
    return new PamtRegions(
      Arena.restore(snapshot.pages),
      PageRuns.fromArray(PAIR_AFTER_PAIR, snapshot.pairs),
      PageRuns.fromArray(ALIKE, snapshot.users),
      PageRuns.fromArray(ALIKE, snapshot.idle),
    );
  }
}

export interface PamtRegionsSnapshot {
  readonly pages: ArenaSnapshot;
  readonly pairs: readonly number[];
  readonly users: readonly number[];
  readonly idle: readonly number[];
}
