/** Guest HKIDs as KVM hands them out: the lowest free one (the kernel's id allocator). */
export class HkidPool {
  readonly #first: number;
  readonly #last: number;
  readonly #global: number;
  readonly #used: Set<number>;

  constructor(
    hkids: { readonly first: number; readonly count: number; readonly global: number },
    used: Iterable<number> = [],
  ) {
    this.#first = hkids.first;
    this.#last = hkids.first + hkids.count - 1;
    this.#global = hkids.global;
    this.#used = new Set(used);
  }

  /** Private HKIDs that TDs can have: all but the module's own. */
  get size(): number {
    return this.#last - this.#first;
  }

  /** The lowest free HKID, or null where the kernel answers -ENOSPC. */
  alloc(): number | null {
    for (let hkid = this.#first; hkid <= this.#last; hkid++) {
      if (hkid === this.#global || this.#used.has(hkid)) continue;
      this.#used.add(hkid);
      return hkid;
    }
    return null;
  }

  free(hkid: number): void {
    this.#used.delete(hkid);
  }

  get used(): readonly number[] {
    return [...this.#used].sort((a, b) => a - b);
  }
}
