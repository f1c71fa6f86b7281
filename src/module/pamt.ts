import {
  type LockMode,
  PAGES_PER_SIZE,
  PamtLocks,
  type PamtSize,
  SIZE_1G,
  SIZE_2M,
  SIZE_4K,
} from "./locks.ts";
import { ALIKE, PageRuns } from "./page-runs.ts";
import { PAGE_BYTES, PT_NDA, PT_REG, PT_RSVD, TYPE_BITS, TYPE_MASK, typeOf } from "./page-types.ts";
import type { Platform } from "./platform.ts";
import { R8, R9, R10, R11, RCX, RDX, type Registers } from "./registers.ts";
import { Status, SUCCESS } from "./status.ts";

const FREED_TDR_TAG = PT_NDA | (1 << TYPE_BITS);

function freeKeepingBepoch(runs: PageRuns, index: number, count: number, tag: number): void {
  runs.seek(index);
  const bepoch = runs.baseAt(index);
  // Tag 0 is not stored: a TDR, which has no owner, needs another one to keep its BEPOCH.
  runs.assign(index, count, tag === 0 && bepoch !== 0 ? FREED_TDR_TAG : tag, bepoch);
}

/** 4 KiB entries before any page is in use. */
function reservedPages({ tdmrs }: Platform): PageRuns {
  const entries = new PageRuns(ALIKE);
  for (const { base, reserved = [] } of tdmrs) {
    for (const hole of reserved) {
      entries.assign((base + hole.offset) / PAGE_BYTES, hole.size / PAGE_BYTES, PT_RSVD, 0);
    }
  }
  return entries;
}

function statusOf(name: Parameters<typeof Status.of>[0]): readonly (Status | undefined)[] {
  const table: (Status | undefined)[] = [];
  table[RCX] = Status.of(name, "RCX");
  table[RDX] = Status.of(name, "RDX");
  table[R8] = Status.of(name, "R8");
  table[R9] = Status.of(name, "R9");
  table[R10] = Status.of(name, "R10");
  table[R11] = Status.of(name, "R11");
  return table;
}

/** OPERAND_INVALID, ADDR_RANGE_ERROR, BUSY and METADATA_INCORRECT by the register they name. */
export const OPERAND_INVALID = statusOf("TDX_OPERAND_INVALID");
const ADDR_RANGE_ERROR = statusOf("TDX_OPERAND_ADDR_RANGE_ERROR");
export const OPERAND_BUSY = statusOf("TDX_OPERAND_BUSY");
export const METADATA_INCORRECT = statusOf("TDX_PAGE_METADATA_INCORRECT");

/**
 * Physical Address Metadata Table (ABI 3.3): for 4 KiB, 2 MiB and 1 GiB entries the page type, the
 * owner TD and BEPOCH, as runs of entries in the same state. A run's tag is type + owner, its base
 * BEPOCH. Freeing rewrites only the type: the owner stays to be seen by TDH.PHYMEM.PAGE.RDMD.
 */
export class Pamt {
  readonly locks = new PamtLocks();
  readonly tables: readonly [PageRuns, PageRuns, PageRuns];
  private readonly smallEntries: PageRuns;
  /** 0 while the tables of 2 MiB and 1 GiB entries are empty: no walk can stop there. */
  private largeRuns = 0;
  /** Owner numbers stand for TDR pages, so that a tag stays a small integer; 0, 1 are no owner. */
  private readonly owners: number[] = [0, 0];
  private readonly ownerNumbers = new Map<number, number>([[0, 0]]);
  private readonly platform: Platform;
  private readonly addressLimit: number = 0;
  private readonly keepsFreedBepoch: boolean;
  /** TDMR of the last look-up, in pages. */
  private tdmrFrom = 0;
  private tdmrTo = 0;
  /** Without `tables` every page is free, but for the reserved ones. */
  constructor(platform: Platform, tables?: Pamt["tables"]) {
    this.platform = platform;
    this.keepsFreedBepoch = platform.keepsFreedBepoch === true;
    this.addressLimit = 2 ** platform.hkidShift;
    this.tables = tables ?? [reservedPages(platform), new PageRuns(ALIKE), new PageRuns(ALIKE)];
    this.smallEntries = this.tables[SIZE_4K];
    this.largeRuns = this.tables[SIZE_2M].runCount + this.tables[SIZE_1G].runCount;
  }

  /** First address above the HKID bits: private operands must lie below (ABI 3.1). */
  get hkidLimit(): number {
    return this.addressLimit;
  }

  isInTdmr(page: number): boolean {
    return (page >= this.tdmrFrom && page < this.tdmrTo) || this.findTdmr(page);
  }

  private findTdmr(page: number): boolean {
    const address = page * PAGE_BYTES;
    for (const { base, size } of this.platform.tdmrs) {
      if (address < base || address >= base + size) continue;
      this.tdmrFrom = base / PAGE_BYTES;
      this.tdmrTo = (base + size) / PAGE_BYTES;
      return true;
    }
    return false;
  }

  /** First page after the TDMR that holds `page`. */
  tdmrEnd(page: number): number {
    return this.isInTdmr(page) ? this.tdmrTo : page;
  }

  /** Rows 1 and 2 of P-PAGE (ABI 6) for a 4 KiB page: alignment, HKID bits, TDMR. */
  checkAddress(r: Registers, register: number): Status {
    const low = r.low[register] as number;
    if (r.isWide(register) || low >= this.addressLimit || (low & 0xfff) !== 0) {
      return OPERAND_INVALID[register] as Status;
    }
    return this.isInTdmr(low / PAGE_BYTES) ? SUCCESS : (ADDR_RANGE_ERROR[register] as Status);
  }

  /** The same for a page of `size`. */
  checkAddressOf(r: Registers, register: number, size: PamtSize): Status {
    const status = this.checkAddress(r, register);
    const page = (r.low[register] as number) / PAGE_BYTES;
    const isAligned = page % PAGES_PER_SIZE[size] === 0;
    return isAligned ? status : (OPERAND_INVALID[register] as Status);
  }

  /** Size of the entry where a walk down to `page` stops: a PT_REG entry or the 4 KiB one. */
  walkSize(page: number): PamtSize {
    return this.largeRuns === 0 ? SIZE_4K : this.walkSizeTo(page, SIZE_4K);
  }

  /** The same, but it stops at an entry of `size` in any case. */
  walkSizeTo(page: number, size: 0 | 1): PamtSize {
    if (this.isPlainPage(page, SIZE_1G)) return SIZE_1G;
    return this.isPlainPage(page, SIZE_2M) ? SIZE_2M : size;
  }

  /** True where the walk stops above 4 KiB: the entry of this size maps a private page. */
  private isPlainPage(page: number, size: PamtSize): boolean {
    return this.type(Math.floor(page / PAGES_PER_SIZE[size]), size) === PT_REG;
  }

  /** P-PAGE (ABI 6) on a register: status, or SUCCESS with the page locked. */
  checkPage(r: Registers, register: number, mode: LockMode, type: number): Status {
    const status = this.checkAddress(r, register);
    if (status !== SUCCESS) return status;
    const page = (r.low[register] as number) / PAGE_BYTES;
    const size = this.walkSize(page);
    if (!this.locks.takePath(page, size, mode)) return OPERAND_BUSY[register] as Status;
    const isOfType = size === SIZE_4K && typeOf(this.smallEntries.tagAt(page)) === type;
    return isOfType ? SUCCESS : (METADATA_INCORRECT[register] as Status);
  }

  /** The entries of one size; their tags are for `typeOf` and `ownerOf`. */
  entries(size: PamtSize): PageRuns {
    return size === SIZE_4K ? this.smallEntries : this.tables[size];
  }

  type(index: number, size: PamtSize = SIZE_4K): number {
    return typeOf(this.entries(size).tagAt(index));
  }

  /** TDR page of the owner, also the stale one of a freed page; 0 where there is none. */
  owner(index: number, size: PamtSize = SIZE_4K): number {
    return this.ownerOf(this.entries(size).tagAt(index));
  }

  ownerOf(tag: number): number {
    return this.owners[tag >> TYPE_BITS] as number;
  }

  bepoch(index: number, size: PamtSize = SIZE_4K): number {
    const runs = this.tables[size];
    return runs.seek(index) === 0 ? 0 : runs.baseAt(index);
  }

  /**
   * Gives `count` entries from `index` on to the TD of `ownerTdr` (0 for a TDR itself). Leaves that
   * do not set BEPOCH leave out `bepoch`: it stays what it was.
   */
  take(
    index: number,
    count: number,
    type: number,
    ownerTdr: number,
    bepoch?: number,
    size: PamtSize = SIZE_4K,
  ): void {
    const tag = type | (this.ownerNumber(ownerTdr) << TYPE_BITS);
    this.tables[size].assign(index, count, tag, bepoch ?? this.bepoch(index, size));
    if (size !== SIZE_4K) this.largeRuns = this.largeRuns + 1;
  }

  setBepoch(index: number, count: number, bepoch: number, size: PamtSize = SIZE_4K): void {
    const runs = this.tables[size];
    runs.assign(index, count, runs.seek(index), bepoch);
  }

  /** PT_NDA; the owner stays. */
  free(index: number, count: number, size: PamtSize = SIZE_4K): void {
    const entries = this.entries(size);
    this.freeTagged(entries, index, count, entries.tagAt(index));
  }

  /** The same where the tag of the entries is known. */
  freeTagged(entries: PageRuns, index: number, count: number, tag: number): void {
    if (this.keepsFreedBepoch) freeKeepingBepoch(entries, index, count, tag & ~TYPE_MASK);
    else entries.assign(index, count, tag & ~TYPE_MASK, 0);
  }

  /** How many of `most` entries from `index` on are PT_NDA, whatever their last owner was. */
  freeLength(index: number, most: number, size: PamtSize = SIZE_4K): number {
    const runs = this.tables[size];
    let at = index;
    while (at < index + most && (runs.seek(at) & TYPE_MASK) === PT_NDA) at = runs.runEnd;
    return Math.min(at - index, most);
  }

  /** How many of `most` entries from `index` on are in one state (type, owner, BEPOCH). */
  uniformLength(index: number, most: number, size: PamtSize = SIZE_4K): number {
    const runs = this.tables[size];
    runs.seek(index);
    return Math.min(runs.runEnd - index, most);
  }

  private ownerNumber(tdrPage: number): number {
    let number = this.ownerNumbers.get(tdrPage);
    if (number === undefined) {
      number = this.owners.push(tdrPage) - 1;
      this.ownerNumbers.set(tdrPage, number);
    }
    return number;
  }

  /** Plain data for a snapshot. */
  toJSON(): PamtSnapshot {
    const [small, middle, large] = this.tables;
    const tables = [small.toArray(), middle.toArray(), large.toArray()] as const;
    return { owners: [...this.owners], tables };
  }

  static restore(platform: Platform, { owners, tables }: PamtSnapshot): Pamt {
    const table = (size: PamtSize) => PageRuns.fromArray(ALIKE, tables[size]);
    const pamt = new Pamt(platform, [table(SIZE_4K), table(SIZE_2M), table(SIZE_1G)]);
    for (const tdrPage of owners) pamt.ownerNumber(tdrPage);
    return pamt;
  }

  /** A copy with the same pages in use and no lock held. */
  clone(): Pamt {
    const table = (size: PamtSize) => this.tables[size].clone();
    const pamt = new Pamt(this.platform, [table(SIZE_4K), table(SIZE_2M), table(SIZE_1G)]);
    for (const tdrPage of this.owners) pamt.ownerNumber(tdrPage);
    return pamt;
  }
}

export interface PamtSnapshot {
  readonly owners: readonly number[];
  /** Runs of 4 KiB, 2 MiB and 1 GiB entries. */
  readonly tables: readonly [readonly number[], readonly number[], readonly number[]];
}

export { PAGES_PER_SIZE };
