/** PAMT entry sizes: which of the three tables an entry stands in. */
export type PamtSize = 0 | 1 | 2;
export const SIZE_4K = 0;
export const SIZE_2M = 1;
export const SIZE_1G = 2;

/** How an entry is locked. */
export type LockMode = 0 | 8;
export const SHARED = 0;
export const EXCLUSIVE = 8;

const MOST_LOCKS_A_CALL = 32;
/** The kind of a lock: entry size in the low bits, mode. */
const SIZE_MASK = 3;

/** 4 KiB pages that an entry of each size stands for. */
export const PAGES_PER_SIZE = [1, 512, 262144] as const;

/** {@link PAGES_PER_SIZE}, without looking 4 KiB entries up. */
export function pagesOf(size: number): number {
  return size === SIZE_4K ? 1 : (PAGES_PER_SIZE[size] as number);
}

/** Index of the entry of `size` over `page` in its table. */
export function indexAt(page: number, size: number): number {
  return size === SIZE_4K ? page : Math.floor(page / (PAGES_PER_SIZE[size] as number));
}

/**
 * PAMT entry locks (ABI 4). One LP is inside the module at a time, so a lock is held either by
 * the call itself (a page passed twice collides with itself) or by vCPUs in guest mode, which hold
 * theirs shared until TD exit. KOT, OP_STATE, SEPT, epoch and KET locks are never held between
 * calls and each call takes them once: they cannot conflict here and need no state.
 *
 * An explicit page operand locks a path: the 1G and 2M entries above its own shared, its own as
 * asked for. Only exclusive locks can conflict with anything. Implicit ones on pages of the TD
 * that the call takes away or merges cannot, and are left out: no other operand is such a page.
 */
export class PamtLocks {
  /** The first lock of the call stands apart: most calls take no other. */
  private count = 0;
  private firstPage = 0;
  private firstKind = 0;
  private readonly pages = new Float64Array(MOST_LOCKS_A_CALL);
  private readonly kinds = new Uint8Array(MOST_LOCKS_A_CALL);
  /** vCPUs that hold locks: their TDVPR (locked as a path) and TDR page (one entry). */
  guestCount = 0;
  private readonly guestTdvprs: number[] = [];
  private readonly guestTdrs: number[] = [];

  /** Locks the way to the entry of `size` over `page`; false is a conflict. */
  takePath(page: number, size: PamtSize, mode: LockMode): boolean {
    return this.take(page, size | mode);
  }

  /** The call returns: all it took is released. */
  releaseAll(): void {
    this.count = 0;
  }

  /** VP.ENTER succeeded: the vCPU keeps its TDVPR and TDR share-locked until TD exit. */
  holdForGuest(tdvprPage: number, tdrPage: number): void {
    this.guestCount = this.guestTdvprs.push(tdvprPage);
    this.guestTdrs.push(tdrPage);
  }

  releaseForGuest(tdvprPage: number): void {
    const guest = this.guestTdvprs.lastIndexOf(tdvprPage);
    const last = this.guestTdvprs.length - 1;
    this.guestTdvprs[guest] = this.guestTdvprs[last] as number;
    this.guestTdrs[guest] = this.guestTdrs[last] as number;
    this.guestTdvprs.pop();
    this.guestTdrs.pop();
    this.guestCount = last;
  }

  private take(page: number, kind: number): boolean {
    if (this.count > 0) return this.takeMore(page, kind);
    if (this.guestCount > 0 && this.conflicts(page, kind)) return false;
    this.count = 1;
    this.firstPage = page;
    this.firstKind = kind;
    return true;
  }

  private takeMore(page: number, kind: number): boolean {
    // Two locks of 4 KiB entries, and of other pages: the common case.
    const isApart =
      this.count === 1 &&
      page !== this.firstPage &&
      ((kind | this.firstKind) & SIZE_MASK) + this.guestCount === 0;
    if (!isApart && this.conflicts(page, kind)) return false;
    this.pages[this.count] = page;
    this.kinds[this.count] = kind;
    this.count++;
    return true;
  }

  private conflicts(page: number, kind: number): boolean {
    if (this.count > 0 && meet(page, kind, this.firstPage, this.firstKind)) return true;
    for (let i = 1; i < this.count; i++) {
      if (meet(page, kind, this.pages[i] as number, this.kinds[i] as number)) return true;
    }
    if ((kind & EXCLUSIVE) === 0) return false;
    const size = (kind & SIZE_MASK) as PamtSize;
    return this.isHeldByGuest(indexAt(page, size), size);
  }

  private isHeldByGuest(index: number, size: PamtSize): boolean {
    for (let i = 0; i < this.guestTdvprs.length; i++) {
      if (indexAt(this.guestTdvprs[i] as number, size) === index) return true;
      if (size === SIZE_4K && this.guestTdrs[i] === index) return true;
    }
    return false;
  }
}

/**
 * True when two paths share an entry, exclusively one of them: the one at the end of the exclusive
 * path, or of either where both are exclusive.
 */
function meet(page: number, kind: number, heldPage: number, held: number): boolean {
  const size = kind & SIZE_MASK;
  const heldSize = held & SIZE_MASK;
  const isMet =
    ((held & EXCLUSIVE) !== 0 && size <= heldSize) ||
    ((kind & EXCLUSIVE) !== 0 && heldSize <= size);
  const larger = size > heldSize ? size : heldSize;
  return isMet && indexAt(page, larger) === indexAt(heldPage, larger);
}
