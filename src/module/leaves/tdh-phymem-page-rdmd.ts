import type { Leaf } from "../leaf.ts";
import { indexAt } from "../locks.ts";
import { PAGE_BYTES, PT_EPT, PT_REG } from "../page-types.ts";
import { R8, R9, RCX, RDX } from "../registers.ts";
import { SUCCESS } from "../status.ts";

/** ABI 7, TDH.PHYMEM.PAGE.RDMD: shows a page's PAMT entry; of a freed one the last owner too. */
export const tdhPhymemPageRdmd: Leaf = {
  name: "TDH.PHYMEM.PAGE.RDMD",
  number: 24,
  maxVersion: 0,
  refusals: () => ({
    statuses: ["OPERAND_INVALID|RCX", "OPERAND_ADDR_RANGE_ERROR|RCX"],
    contended: ["RCX"],
  }),

  run(m, r) {
    const { pamt } = m;
    const page = (r.low[RCX] as number) / PAGE_BYTES;
    const address = pamt.checkAddress(r, RCX);
    r.clearPageOutputs();
    if (address !== SUCCESS) return address;
    const size = pamt.walkSize(page);

    const index = indexAt(page, size);
    const type = pamt.type(index, size);
    r.low[RCX] = type;
    r.low[RDX] = pamt.owner(index, size) * PAGE_BYTES;
    r.low[R8] = size;
    if (type === PT_REG || type === PT_EPT) r.low[R9] = pamt.bepoch(index, size);
    return SUCCESS;
  },
};
