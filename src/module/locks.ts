/** PAMT entry sizes: which of the three tables an entry stands in. */
export type PamtSize = 0 | 1 | 2;
export const SIZE_4K = 0;
export const SIZE_2M = 1;
export const SIZE_1G = 2;

/** How an entry is locked. */
export type LockMode = 0 | 8;
export const SHARED = 0;
export const EXCLUSIVE = 8;

/** 4 KiB pages that an entry of each size stands for. */
export const PAGES_PER_SIZE = [1, 512, 262144] as const;

const MOST_LOCKS_A_CALL = 32;
/** A lock is one number: the entry size in bits 1:0, PATH, the mode. */
const SIZE_MASK = 3;
const PATH = 4;

function indexAt(page: number, size: number): number {
  return size === SIZE_4K ? page : Math.floor(page / (PAGES_PER_SIZE[size] as number));
}

/**
 * PAMT entry locks (ABI 4). One LP is inside the module at a time, so a lock is held either by
 * the call itself (a page passed twice collides with itself) or by vCPUs in guest mode, which hold
 * theirs shared until TD exit. KOT, OP_STATE, SEPT, epoch and KET locks are never held between
 * calls and each call takes them once: they cannot conflict here and need no state.
 *
 * An explicit page operand locks a path: the 1G and 2M entries above its own shared, its own as
 * asked for. An implicit lock is one entry. Only exclusive locks can conflict with anything.
 */
export class PamtLocks {
  #count = 0;
  readonly #pages = new Float64Array(MOST_LOCKS_A_CALL);
  readonly #locks = new Uint8Array(MOST_LOCKS_A_CALL);
  /** All of them or-ed: EXCLUSIVE when one of them is. */
  #modes = 0;
  /** TDVPR (locked as a path) and TDR page (one entry) of every running vCPU. */
  readonly #guestTdvprs: number[] = [];
  readonly #guestTdrs: number[] = [];

  /** Locks the way to the entry of `size` over `page`; false is a conflict. */
  takePath(page: number, size: PamtSize, mode: LockMode): boolean {
    return this.#take(page, size | PATH | mode);
  }

  /** Locks the entry of `size` over `page` alone; false is a conflict. */
  takeEntry(page: number, size: PamtSize, mode: LockMode): boolean {
    return this.#take(page, size | mode);
  }

  /** The call returns: all it took is released. */
  releaseAll(): void {
    this.#count = 0;
    this.#modes = 0;
  }

  /** VP.ENTER succeeded: the vCPU keeps its TDVPR and TDR share-locked until TD exit. */
  holdForGuest(tdvprPage: number, tdrPage: number): void {
    this.#guestTdvprs.push(tdvprPage);
    this.#guestTdrs.push(tdrPage);
  }

  releaseForGuest(tdvprPage: number): void {
    const guest = this.#guestTdvprs.lastIndexOf(tdvprPage);
    const last = this.#guestTdvprs.length - 1;
    this.#guestTdvprs[guest] = this.#guestTdvprs[last] as number;
    this.#guestTdrs[guest] = this.#guestTdrs[last] as number;
    this.#guestTdvprs.pop();
    this.#guestTdrs.pop();
  }

  /** vCPUs that hold locks. */
  get guestCount(): number {
    return this.#guestTdvprs.length;
  }

  #take(page: number, lock: number): boolean {
    const count = this.#count;
    const modes = this.#modes | lock;
    // Shared locks alone never conflict, and where nothing is held there is nothing to meet.
    if ((modes & EXCLUSIVE) !== 0 && count + this.#guestTdvprs.length > 0) {
      if (this.#conflicts(page, lock)) return false;
    }
    this.#pages[count] = page;
    this.#locks[count] = lock;
    this.#count = count + 1;
    this.#modes = modes;
    return true;
  }

  #conflicts(page: number, lock: number): boolean {
    for (let i = 0; i < this.#count; i++) {
      const heldPage = this.#pages[i] as number;
      const held = this.#locks[i] as number;
      // Two 4 KiB entries are one only where the pages are.
      if (page !== heldPage && ((lock | held) & SIZE_MASK) === SIZE_4K) continue;
      if (meet(page, lock, heldPage, held)) return true;
    }
    if (this.#guestTdvprs.length === 0 || (lock & EXCLUSIVE) === 0) return false;
    const size = (lock & SIZE_MASK) as PamtSize;
    return this.#isHeldByGuest(indexAt(page, size), size);
  }

  #isHeldByGuest(index: number, size: PamtSize): boolean {
    for (let i = 0; i < this.#guestTdvprs.length; i++) {
      if (indexAt(this.#guestTdvprs[i] as number, size) === index) return true;
      if (size === SIZE_4K && this.#guestTdrs[i] === index) return true;
    }
    return false;
  }
}

/**
 * True when two locks cover one entry, exclusively one of them. What they cover is nested, so that
 * entry is the one the exclusive lock is for, or either's where both are exclusive.
 */
function meet(page: number, lock: number, heldPage: number, held: number): boolean {
  const size = lock & SIZE_MASK;
  const heldSize = held & SIZE_MASK;
  const isMet =
    ((held & EXCLUSIVE) !== 0 && covers(lock, size, heldSize)) ||
    ((lock & EXCLUSIVE) !== 0 && covers(held, heldSize, size));
  const larger = size > heldSize ? size : heldSize;
  return isMet && indexAt(page, larger) === indexAt(heldPage, larger);
}

/** True when a lock of `size` reaches up (or not) to entries of `entrySize`. */
function covers(lock: number, size: number, entrySize: number): boolean {
  return (lock & PATH) !== 0 ? size <= entrySize : size === entrySize;
}
