import { PageRuns } from "./page-runs.ts";
import { RCX, RDX, type Registers } from "./registers.ts";
import {
  ARCH_STATE,
  FREE,
  L2_FREE,
  L2_NL_MAPPED,
  LEAF_STATES,
  MAPPED,
  NL_MAPPED,
  PENDING,
  STATE_BITS,
  STATE_MASK,
} from "./sept-states.ts";

/** 4 KiB pages that one entry of a level maps (ABI 3.5). */
export const PAGES_PER_ENTRY = [1, 2 ** 9, 2 ** 18, 2 ** 27, 2 ** 36] as const;
/** Entries of one Secure EPT page. */
const ENTRIES_PER_TABLE = 512;

/** Leaves of level L map 512^L pages; a non-leaf entry points to one Secure EPT page. */
const STEPS = PAGES_PER_ENTRY.map(
  (leafStep) =>
    (tag: number): number =>
      ((LEAF_STATES >> (tag & STATE_MASK)) & 1) === 1 ? leafStep : 1,
);

/**
 * The L1 Secure EPT of a TD: for every level the entries as runs of one state with consecutive
 * host pages. A run's tag is the entry state and, above it, the alias flags of VM 1..3 (ABI 3.7);
 * its base is the host page, mapped (leaf) or holding the next table (non-leaf). The root page is a TDCX page.
 *
 * `walk` leaves the entry where it stopped in `level`, `index`, `state`, `aliases` and `page`.
 */
export class SecureEpt {
  /** Level of the root's entries: 3 for a 4-level tree, 4 for a 5-level one. */
  readonly pwl: number;
  readonly levels: readonly PageRuns[];
  level = 0;
  index = 0;
  state = FREE;
  aliases = 0;
  page = 0;
  /** Guest pages whose tables down to level 0 are known to be mapped, until a table changes. */
  private tablesFrom = 0;
  private tablesTo = 0;

  constructor(pwl: number, levels?: readonly PageRuns[]) {
    this.pwl = pwl;
    this.levels = levels ?? STEPS.map((stepOf) => new PageRuns(stepOf));
  }

  /** Walk rule of ABI 3.5: true when the requested level was reached, whatever the entry holds. */
  walk(gpaPage: number, level: number): boolean {
    if (level > 0 || gpaPage < this.tablesFrom || gpaPage >= this.tablesTo) {
      if (!this.walkTables(gpaPage, level)) return false;
    }
    const index = level === 0 ? gpaPage : Math.floor(gpaPage / (PAGES_PER_ENTRY[level] as number));
    const runs = this.levels[level] as PageRuns;
    this.stopAt(level, index, runs, runs.seek(index));
    return true;
  }

  /** Descends from the root to the entry above `level`; false where it stops on the way. */
  private walkTables(gpaPage: number, level: number): boolean {
    let from = 0;
    let to = Number.POSITIVE_INFINITY;
    for (let at = this.pwl; at > level; at--) {
      const entryPages = PAGES_PER_ENTRY[at] as number;
      const index = Math.floor(gpaPage / entryPages);
      const runs = this.levels[at] as PageRuns;
      const tag = runs.seek(index);
      if ((tag & STATE_MASK) !== NL_MAPPED) {
        this.stopAt(at, index, runs, tag);
        return false;
      }
      from = Math.max(from, index * entryPages);
      to = Math.min(to, runs.runEnd * entryPages);
    }
    if (level === 0) {
      this.tablesFrom = from;
      this.tablesTo = to;
    }
    return true;
  }

  /** First guest page of the entry where the walk stopped. */
  get gpaPage(): number {
    return this.index * (PAGES_PER_ENTRY[this.level] as number);
  }

  /** Rewrites `count` entries from the one where the walk stopped. FREE takes them away. */
  set(state: number, page: number, count: number, aliases = 0): void {
    const runs = this.levels[this.level] as PageRuns;
    if (this.level > 0) this.tablesTo = 0;
    runs.assign(this.index, count, state | (aliases << STATE_BITS), state === FREE ? 0 : page);
  }

  /** Changes the state of `count` entries from the one where the walk stopped on. */
  setState(state: number, count: number): void {
    this.set(state, this.page, count, this.aliases);
  }

  /** True when every entry of the table below the entry where the walk stopped is FREE. */
  isTableEmpty(): boolean {
    const runs = this.levels[this.level - 1] as PageRuns;
    const first = this.index * ENTRIES_PER_TABLE;
    return runs.seek(first) === FREE && runs.runEnd >= first + ENTRIES_PER_TABLE;
  }

  /**
   * The leaf that could stand for the table below the entry where the walk stopped: all its
   * entries are MAPPED, or all PENDING, and map one range, aligned for this level. Else null.
   */
  mergedLeaf(): { readonly state: number; readonly page: number } | null {
    const runs = this.levels[this.level - 1] as PageRuns;
    const first = this.index * ENTRIES_PER_TABLE;
    const state = runs.seek(first) & STATE_MASK;
    const page = runs.baseAt(first);
    const isPresent = state === MAPPED || state === PENDING;
    const isOneRange = isPresent && runs.runEnd >= first + ENTRIES_PER_TABLE;
    return isOneRange && page % (PAGES_PER_ENTRY[this.level] as number) === 0
      ? { state, page }
      : null;
  }

  /** Makes the table below the entry where the walk stopped 512 leaves mapping from `page` on. */
  fillTable(state: number, page: number): void {
    const runs = this.levels[this.level - 1] as PageRuns;
    this.tablesTo = 0;
    runs.assign(this.index * ENTRIES_PER_TABLE, ENTRIES_PER_TABLE, state, page);
  }

  /** Takes the entries of the table below the entry where the walk stopped away. */
  clearTable(): void {
    this.fillTable(FREE, 0);
  }

  /** SEPT details of the entry where the walk stopped, in RCX and RDX (ABI 1.6). */
  showDetails(r: Registers): void {
    const { state } = this;
    r.low[RDX] = this.level + (ARCH_STATE[state] as number) * 256;
    if (state === FREE) {
      r.setHigh(RCX, 0x800);
      r.low[RCX] = 0;
    } else if (((LEAF_STATES >> state) & 1) === 1) {
      // Guest-accessible leaves show RWX; PENDING and BLOCKED ones show none, but do show the page.
      const isAccessible = state === 4 || (state >= 6 && state <= 9);
      r.setHigh(RCX, 0x800);
      r.low[RCX] = this.page * 4096 + (isAccessible ? 0xf7 : 0xf0);
    } else {
      r.setHigh(RCX, 0);
      r.low[RCX] = state === NL_MAPPED ? 7 : 0;
    }
    r.setHigh(RDX, 0);
  }

  /**
   * How many entries of `level` from the one of `gpaPage` on are in one state with consecutive
   * pages, all reached by tables in one state too. Tables of a level in `addedLevels` (bit mask)
   * may be missing: the same body adds them.
   */
  uniformLength(gpaPage: number, level: number, most: number, addedLevels: number): number {
    const size = PAGES_PER_ENTRY[level] as number;
    let pages = most * size;
    for (let at = this.pwl; at >= level; at--) {
      const entryPages = PAGES_PER_ENTRY[at] as number;
      const runs = this.levels[at] as PageRuns;
      let index = Math.floor(gpaPage / entryPages);
      const state = runs.seek(index) & STATE_MASK;
      const isMissing = state === FREE && ((addedLevels >> at) & 1) === 1;
      if (at > level && state !== NL_MAPPED && !isMissing) return 1;
      let end = runs.runEnd;
      // Tables need not lie at consecutive host pages, only exist all the way.
      while (at > level && end * entryPages - gpaPage < pages) {
        index = end;
        if ((runs.seek(index) & STATE_MASK) !== state) break;
        end = runs.runEnd;
      }
      pages = Math.min(pages, end * entryPages - gpaPage);
    }
    return Math.max(1, Math.floor(pages / size));
  }

  private stopAt(level: number, index: number, runs: PageRuns, tag: number): void {
    this.level = level;
    this.index = index;
    this.state = tag & STATE_MASK;
    this.aliases = tag >> STATE_BITS;
    this.page = tag === 0 ? 0 : runs.baseAt(index);
  }

  clone(): SecureEpt {
    return new SecureEpt(
      this.pwl,
      this.levels.map((runs) => runs.clone()),
    );
  }

  toJSON(): SecureEptSnapshot {
    return { pwl: this.pwl, levels: this.levels.map((runs) => runs.toArray()) };
  }

  static restore(snapshot: SecureEptSnapshot): SecureEpt {
    const levels = STEPS.map((stepOf, level) =>
      PageRuns.fromArray(stepOf, snapshot.levels[level] as readonly number[]),
    );
    return new SecureEpt(snapshot.pwl, levels);
  }
}

export interface SecureEptSnapshot {
  readonly pwl: number;
  readonly levels: readonly (readonly number[])[];
}

export interface L2SecureEptSnapshot extends SecureEptSnapshot {
  readonly vm: number;
}

const noLeafStep = (): number => 1;

/** The tree of one L2 VM (ABI 3.7): host leaves make only FREE, NL_MAPPED and NL_BLOCKED entries. */
export class L2SecureEpt {
  readonly vm: number;
  readonly pwl: number;
  readonly levels: readonly PageRuns[];
  level = 0;
  index = 0;
  state = L2_FREE;
  page = 0;

  constructor(vm: number, pwl: number, levels?: readonly PageRuns[]) {
    this.vm = vm;
    this.pwl = pwl;
    this.levels = levels ?? PAGES_PER_ENTRY.map(() => new PageRuns(noLeafStep));
  }

  walk(gpaPage: number, level: number): boolean {
    for (let at = this.pwl; at >= level; at--) {
      const index = Math.floor(gpaPage / (PAGES_PER_ENTRY[at] as number));
      const runs = this.levels[at] as PageRuns;
      this.level = at;
      this.index = index;
      this.state = runs.seek(index);
      this.page = this.state === L2_FREE ? 0 : runs.baseAt(index);
      if (at > level && this.state !== L2_NL_MAPPED) return false;
    }
    return true;
  }

  set(state: number, page: number): void {
    const runs = this.levels[this.level] as PageRuns;
    runs.assign(this.index, 1, state, state === L2_FREE ? 0 : page);
  }

  /**
   * "L2 details" of the entry where the walk stopped (ABI 1.6). It is never blocked: its L1 entry
   * is too, and was refused before.
   */
  showDetails(r: Registers): void {
    const isFree = this.state === L2_FREE;
    r.setHigh(RDX, 0);
    r.low[RDX] = this.level + (isFree ? 0x4000 : 0xc400) + this.vm * 0x10000;
    r.setHigh(RCX, isFree ? 0x800 : 0);
    r.low[RCX] = isFree ? 0 : 0x407;
  }

  clone(): L2SecureEpt {
    return new L2SecureEpt(
      this.vm,
      this.pwl,
      this.levels.map((runs) => runs.clone()),
    );
  }

  toJSON(): L2SecureEptSnapshot {
    return { vm: this.vm, pwl: this.pwl, levels: this.levels.map((runs) => runs.toArray()) };
  }

  static restore(snapshot: L2SecureEptSnapshot): L2SecureEpt {
    const levels = snapshot.levels.map((fields) => PageRuns.fromArray(noLeafStep, fields));
    return new L2SecureEpt(snapshot.vm, snapshot.pwl, levels);
  }
}
