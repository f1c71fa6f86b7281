/** PAMT entry sizes: which of the three tables an entry stands in. */
export type PamtSize = 0 | 1 | 2;
export const SIZE_4K = 0;
export const SIZE_2M = 1;
export const SIZE_1G = 2;

export const SHARED = false;
export const EXCLUSIVE = true;

/** 4 KiB pages that an entry of each size stands for. */
export const PAGES_PER_SIZE = [1, 512, 262144] as const;

const MOST_LOCKS_A_CALL = 32;
const ENTRY = 0;
const PATH = 1;

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
  #hasExclusive = false;
  readonly #page = new Float64Array(MOST_LOCKS_A_CALL);
  readonly #size = new Uint8Array(MOST_LOCKS_A_CALL);
  readonly #isExclusive = new Uint8Array(MOST_LOCKS_A_CALL);
  readonly #kind = new Uint8Array(MOST_LOCKS_A_CALL);
  /** TDVPR (locked as a path) and TDR page (one entry) of every running vCPU. */
  readonly #guestTdvprs: number[] = [];
  readonly #guestTdrs: number[] = [];

  /** Locks the way to the entry of `size` over `page`; false is a conflict. */
  takePath(page: number, size: PamtSize, isExclusive: boolean): boolean {
    return this.#take(page, size, isExclusive, PATH);
  }

  /** Locks the entry of `size` over `page` alone; false is a conflict. */
  takeEntry(page: number, size: PamtSize, isExclusive: boolean): boolean {
    return this.#take(page, size, isExclusive, ENTRY);
  }

  /** The call returns: all it took is released. */
  releaseAll(): void {
    this.#count = 0;
    this.#hasExclusive = false;
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

  #take(page: number, size: PamtSize, isExclusive: boolean, kind: number): boolean {
    if (this.#hasExclusive && this.#meetsExclusive(page, size, kind)) return false;
    if (isExclusive) {
      if (this.#isHeld(indexAt(page, size), size)) return false;
      this.#hasExclusive = true;
    }
    const count = this.#count;
    this.#page[count] = page;
    this.#size[count] = size;
    this.#isExclusive[count] = isExclusive ? 1 : 0;
    this.#kind[count] = kind;
    this.#count = count + 1;
    return true;
  }

  /** True when a lock of this call is exclusive on an entry that the new one covers. */
  #meetsExclusive(page: number, size: PamtSize, kind: number): boolean {
    for (let i = 0; i < this.#count; i++) {
      if (this.#isExclusive[i] === 0) continue;
      const held = this.#size[i] as number;
      const isCovered = kind === PATH ? size <= held : size === held;
      if (isCovered && indexAt(page, held) === indexAt(this.#page[i] as number, held)) return true;
    }
    return false;
  }

  /** True when anyone holds the entry, shared or not. */
  #isHeld(index: number, size: PamtSize): boolean {
    for (let i = 0; i < this.#count; i++) {
      const held = this.#size[i] as number;
      const isCovered = this.#kind[i] === PATH ? held <= size : held === size;
      if (isCovered && indexAt(this.#page[i] as number, size) === index) return true;
    }
    for (let i = 0; i < this.#guestTdvprs.length; i++) {
      if (indexAt(this.#guestTdvprs[i] as number, size) === index) return true;
      if (size === SIZE_4K && this.#guestTdrs[i] === index) return true;
    }
    return false;
  }
}
