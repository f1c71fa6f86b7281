/** PAMT entry sizes: which of the three tables an entry stands in. */
export type PamtSize = 0 | 1 | 2;
export const SIZE_4K = 0;
export const SIZE_2M = 1;
export const SIZE_1G = 2;

export const SHARED = false;
export const EXCLUSIVE = true;

const MOST_LOCKS_A_CALL = 64;

/**
 * PAMT entry locks (ABI 4). One LP is inside the module at a time, so a lock is held either by
 * the call itself (a page passed twice collides with itself) or by vCPUs in guest mode, which hold
 * theirs shared until TD exit. KOT, OP_STATE, SEPT, epoch and KET locks are never held between
 * calls and each call takes them once: they cannot conflict here and need no state.
 */
export class PamtLocks {
  #count = 0;
  #hasExclusive = false;
  readonly #page = new Float64Array(MOST_LOCKS_A_CALL);
  readonly #size = new Uint8Array(MOST_LOCKS_A_CALL);
  readonly #isExclusive = new Uint8Array(MOST_LOCKS_A_CALL);
  /** Shared locks of running vCPUs: entry key to number of holders. */
  readonly #guests = new Map<number, number>();

  /** Takes a lock for the current call; false is a conflict. `index` counts entries of `size`. */
  take(size: PamtSize, index: number, isExclusive: boolean): boolean {
    const count = this.#count;
    if (isExclusive || this.#hasExclusive) {
      for (let i = 0; i < count; i++) {
        if (this.#page[i] !== index || this.#size[i] !== size) continue;
        if (isExclusive || this.#isExclusive[i] === 1) return false;
      }
      if (isExclusive && this.#guests.size > 0 && this.#guests.has(index * 4 + size)) return false;
    }
    this.#page[count] = index;
    this.#size[count] = size;
    this.#isExclusive[count] = isExclusive ? 1 : 0;
    if (isExclusive) this.#hasExclusive = true;
    this.#count = count + 1;
    return true;
  }

  /** The call returns: all it took is released. */
  releaseAll(): void {
    this.#count = 0;
    this.#hasExclusive = false;
  }

  /** VP.ENTER succeeded: a vCPU keeps this entry share-locked until TD exit. */
  holdForGuest(size: PamtSize, index: number): void {
    const key = index * 4 + size;
    this.#guests.set(key, (this.#guests.get(key) ?? 0) + 1);
  }

  releaseForGuest(size: PamtSize, index: number): void {
    const key = index * 4 + size;
    const holders = (this.#guests.get(key) ?? 0) - 1;
    if (holders > 0) this.#guests.set(key, holders);
    else this.#guests.delete(key);
  }

  get heldByGuests(): number {
    return this.#guests.size;
  }
}
