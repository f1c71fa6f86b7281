// No imports here: esbuild puts constants of such files into the code that uses them, and the
// handlers' inner loops compare with little else.

/** PAMT page types (ABI 1.4). */
export const PT_NDA = 0;
export const PT_RSVD = 1;
export const PT_REG = 3;
export const PT_TDR = 4;
export const PT_TDCX = 5;
export const PT_TDVPR = 6;
export const PT_EPT = 8;

export const PAGE_BYTES = 4096;

/** The tag of a run of PAMT entries: page type in the low bits, number of the owner above. */
export const TYPE_BITS = 4;
export const TYPE_MASK = 15;

/** Page type in the tag of a PAMT entry. */
export function typeOf(tag: number): number {
  return tag & TYPE_MASK;
}
