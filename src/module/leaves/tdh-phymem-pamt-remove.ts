import type { Leaf } from "../leaf.ts";
import { PAGE_BYTES } from "../page-types.ts";
import { METADATA_INCORRECT, PAGES_PER_SIZE } from "../pamt.ts";
import { sharedPageRefusals } from "../refusals.ts";
import { RCX } from "../registers.ts";
import { type Status, SUCCESS } from "../status.ts";

const REGION_PAGES = PAGES_PER_SIZE[1];

/**
 * Stands in for a leaf of newer modules, see {@link tdhPhymemPamtAdd}: the region in RCX gives its
 * two PAMT pages back, once none of its 4 KiB pages is in use.
 */
export const tdhPhymemPamtRemove: Leaf = {
  name: "TDH.PHYMEM.PAMT.REMOVE",
  number: 59,
  maxVersion: 0,
  missing: "the addresses of the two pages; operands of the real leaf",
  isNewer: true,
  refusals: () => ({ statuses: sharedPageRefusals("RCX") }),

  run(m, r, count) {
    const address = m.pamt.checkAddressOf(r, RCX, 1);
    if (address !== SUCCESS) return address;
    const page = (r.low[RCX] as number) / PAGE_BYTES;
    const region = page / REGION_PAGES;
    const isPresent = m.pamtPairs.seek(region) !== 0;
    if (!isPresent || m.pamt.freeLength(page, REGION_PAGES) < REGION_PAGES) {
      return METADATA_INCORRECT[RCX] as Status;
    }

    m.pamtPairs.assign(region, count, 0, 0);
    return SUCCESS;
  },

  reach(m, r, most, span) {
    const page = (r.low[RCX] as number) / PAGE_BYTES;
    const region = page / REGION_PAGES;
    const isEven = span.rcxStride === REGION_PAGES * PAGE_BYTES && Number.isInteger(region);
    if (!isEven || m.pamtPairs.seek(region) === 0) return 1;
    const free = m.pamt.freeLength(page, most * REGION_PAGES) / REGION_PAGES;
    return Math.max(1, Math.min(most, m.pamtPairs.runEnd - region, Math.floor(free)));
  },
};
