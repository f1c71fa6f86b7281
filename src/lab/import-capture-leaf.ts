import { EMULATED, NOT_EMULATED } from "../module/leaf-table.ts";

/** Wrappers of Linux that carry more than the leaf in their name (6.16, arch/x86/virt/vmx/tdx). */
const ALIASES: Readonly<Record<string, string>> = {
  tdh_phymem_page_wbinvd_hkid: "TDH.PHYMEM.PAGE.WBINVD",
  tdh_phymem_page_wbinvd_tdr: "TDH.PHYMEM.PAGE.WBINVD",
};

/** The leaf number is the low 16 bits of RAX; the version lies above (ABI 2.2). */
const NUMBER_BITS = 0xffff;

/** Finds the SEAMCALL leaf that a key of a trace means. */
export class LeafNames {
  readonly #byNumber = new Map<number, string>();
  readonly #byFunction = new Map<string, string>(Object.entries(ALIASES));

  constructor() {
    for (const { number, name: leaf } of [...EMULATED, ...NOT_EMULATED]) {
      this.#byNumber.set(number, leaf);
      this.#byFunction.set(leaf.toLowerCase().replaceAll(".", "_"), leaf);
      this.#byFunction.set(leaf.toLowerCase(), leaf);
    }
  }

  /**
   * A leaf by number (`28`, `0x1c`), wrapper function (`tdh_phymem_page_reclaim`, with or without
   * a probe's prefix) or its own name; undefined for anything else.
   */
  find(key: string): string | undefined {
    const text = key.trim().toLowerCase();
    if (/^(?:\d+|0x[0-9a-f]+)$/.test(text)) {
      return this.#byNumber.get(Number(BigInt.asUintN(64, BigInt(text)) & BigInt(NUMBER_BITS)));
    }
    const name = text.replace(/^.*:/, "").replace(/(?:__return|_entry|_exit|\+0x0)$/, "");
    return this.#byFunction.get(name);
  }
}
