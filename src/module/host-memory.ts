/** Bytes of a TD_PARAMS structure (ABI 10.2); the host's writes are kept in blocks of this size. */
const BLOCK_BYTES = 1024;
const BLOCKS_PER_PAGE = 4096 / BLOCK_BYTES;

/** Memory the host wrote and the module may read: TD_PARAMS. Memory never written reads 0. */
export class HostMemory {
  readonly #blocks = new Map<number, Uint8Array>();

  /** `address` is 1 KiB aligned and without HKID bits. */
  write(address: number, bytes: Uint8Array): void {
    this.#blocks.set(address / BLOCK_BYTES, bytes);
  }

  read(address: number): Uint8Array {
    return this.#blocks.get(address / BLOCK_BYTES) ?? new Uint8Array(BLOCK_BYTES);
  }

  /** The host freed the buffer. */
  forget(address: number): void {
    this.#blocks.delete(address / BLOCK_BYTES);
  }

  /** The module overwrote `count` pages from `page` on with zeroes or structures of its own. */
  overwrite(page: number, count: number): void {
    if (this.#blocks.size === 0) return;
    const first = page * BLOCKS_PER_PAGE;
    const end = first + count * BLOCKS_PER_PAGE;
    // Spans of pages are long and the blocks kept are few; single pages are the other way round.
    if (end - first < this.#blocks.size) {
      for (let block = first; block < end; block++) this.#blocks.delete(block);
      return;
    }
    for (const block of this.#blocks.keys()) {
      if (block >= first && block < end) this.#blocks.delete(block);
    }
  }

  /** PAGE.ADD copied one page to each of `count` pages. */
  copy(fromPage: number, toPage: number, count: number): void {
    this.overwrite(toPage, count);
    const moved = (toPage - fromPage) * BLOCKS_PER_PAGE;
    for (const [block, bytes] of [...this.#blocks]) {
      if (Math.floor(block / BLOCKS_PER_PAGE) !== fromPage) continue;
      for (let i = 0; i < count; i++) this.#blocks.set(block + moved + i * BLOCKS_PER_PAGE, bytes);
    }
  }

  /** What is kept: block number and bytes, which are replaced and never written into. */
  blocks(): IterableIterator<[number, Uint8Array]> {
    return this.#blocks.entries();
  }

  toJSON(): [number, number[]][] {
    return [...this.#blocks].map(([block, bytes]) => [block, [...bytes]]);
  }

  restore(blocks: readonly (readonly [number, readonly number[]])[]): void {
    for (const [block, bytes] of blocks) this.#blocks.set(block, Uint8Array.from(bytes));
  }
}
