import type { Leaf } from "../leaf.ts";
import { PAGE_BYTES } from "../page-types.ts";
import { METADATA_INCORRECT, OPERAND_INVALID, PAGES_PER_SIZE } from "../pamt.ts";
import { sharedPageRefusals } from "../refusals.ts";
import { R8, RCX } from "../registers.ts";
import { type Status, SUCCESS } from "../status.ts";

const REGION_PAGES = PAGES_PER_SIZE[1];
const PAIR_PAGES = 2;

/**
 * Stands in for a leaf of newer modules (kvm-teardown D.3; TM20): the region of 2 MiB in RCX gets
 * two pages for the PAMT entries of its 4 KiB pages. The name, the number and that there are two
 * pages are known; that they follow each other in R8, and the statuses, are this emulator's choice.
 */
export const tdhPhymemPamtAdd: Leaf = {
  name: "TDH.PHYMEM.PAMT.ADD",
  number: 58,
  maxVersion: 0,
  missing: "that a 4 KiB page of a region without PAMT pages is refused; operands of the real leaf",
  isNewer: true,
  refusals: () => ({ statuses: sharedPageRefusals("RCX").concat("OPERAND_INVALID|R8") }),

  run(m, r, count) {
    const address = m.pamt.checkAddressOf(r, RCX, 1);
    if (address !== SUCCESS) return address;
    const pair = (r.low[R8] as number) / PAGE_BYTES;
    if (r.isWide(R8) || !Number.isInteger(pair)) return OPERAND_INVALID[R8] as Status;
    const region = (r.low[RCX] as number) / PAGE_BYTES / REGION_PAGES;
    if (m.pamtPairs.seek(region) !== 0) return METADATA_INCORRECT[RCX] as Status;

    m.pamtPairs.assign(region, count, 1, pair);
    return SUCCESS;
  },

  reach(m, r, most, span) {
    const page = (r.low[RCX] as number) / PAGE_BYTES;
    const isEven =
      span.rcxStride === REGION_PAGES * PAGE_BYTES && span.r8Stride === PAIR_PAGES * PAGE_BYTES;
    const region = page / REGION_PAGES;
    if (!isEven || !Number.isInteger(region) || m.pamtPairs.seek(region) !== 0) return 1;
    const inTdmr = Math.floor((m.pamt.tdmrEnd(page) - page) / REGION_PAGES);
    return Math.max(1, Math.min(most, m.pamtPairs.runEnd - region, inTdmr));
  },
};
