import type { Leaf } from "../leaf.ts";
import { SHARED } from "../locks.ts";
import type { TdxModule } from "../module.ts";
import { PAGE_BYTES, PT_NDA } from "../page-types.ts";
import { sharedPageRefusals } from "../refusals.ts";
import { RCX, type Registers } from "../registers.ts";
import { freedPagesReach } from "../spans.ts";

/** ABI 7, TDH.PHYMEM.PAGE.WBINVD: writes the cache lines of a free page back, whatever its HKID. */
export const tdhPhymemPageWbinvd: Leaf = {
  name: "TDH.PHYMEM.PAGE.WBINVD",
  number: 41,
  maxVersion: 0,
  refusals: () => ({ statuses: sharedPageRefusals("RCX"), contended: ["RCX"] }),

  run(m, r) {
    m.inputs.low[RCX] = withoutHkid(m, r);
    m.inputs.wide = r.wide;
    return m.pamt.checkPage(m.inputs, RCX, SHARED, PT_NDA);
  },

  reach(m, r, most, span) {
    if (span.rcxStride !== PAGE_BYTES || r.isWide(RCX)) return 1;
    return freedPagesReach(m, withoutHkid(m, r) / PAGE_BYTES, most);
  },
};

/** Bits 51:0 of RCX less the HKID, which is not range-checked. */
function withoutHkid(m: TdxModule, r: Registers): number {
  const low = r.low[RCX] as number;
  const limit = m.pamt.hkidLimit;
  return low < limit ? low : low - Math.floor(low / limit) * limit;
}
