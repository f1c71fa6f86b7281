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
/** What a call holds is gone when it returns: modules need no array of their own. */
const HELD = new Float64Array(MOST_LOCKS_A_CALL);
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
 * asked for. Only an exclusive lock can meet another: no call locks a page shared that it holds
 * exclusively, and what it holds when it asks for one more are paths to 4 KiB entries. Implicit
 * exclusive locks on pages that a call takes away are left out: no operand is such a page.
 */
export class PamtLocks {
  /** Pages that the call holds the paths to. */
  private count = 0;
  private readonly pages = HELD;
  /** vCPUs that hold locks: their TDVPR (locked as a path) and TDR page (one entry). */
  guestCount = 0;
  private readonly guestTdvprs: number[] = [];
  private readonly guestTdrs: number[] = [];

  /** Locks the way to the entry of `size` over `page`; false is a conflict. */
  takePath(page: number, size: PamtSize, mode: LockMode): boolean {
    if (mode === EXCLUSIVE && this.isHeld(indexAt(page, size), size)) return false;
    this.pages[this.count] = page;
    this.count++;
    return true;
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
    this.guestCount--;
    this.guestTdvprs[guest] = this.guestTdvprs[this.guestCount] as number;
    this.guestTdrs[guest] = this.guestTdrs[this.guestCount] as number;
    this.guestTdvprs.pop();
    this.guestTdrs.pop();
  }

  private isHeld(index: number, size: PamtSize): boolean {
    for (let i = 0; i < this.count; i++) {
      if (indexAt(this.pages[i] as number, size) === index) return true;
    }
    for (let i = 0; i < this.guestCount; i++) {
      if (indexAt(this.guestTdvprs[i] as number, size) === index) return true;
      if (size === SIZE_4K && this.guestTdrs[i] === index) return true;
    }
    return false;
  }
}
