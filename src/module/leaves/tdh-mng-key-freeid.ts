import { HKID_FREE, type KotEntry } from "../key-ownership.ts";
import type { Leaf } from "../leaf.ts";
import { EXCLUSIVE } from "../locks.ts";
import { pageRefusals } from "../refusals.ts";
import { RCX } from "../registers.ts";
import { Status, SUCCESS } from "../status.ts";
import { TD_BLOCKED, TD_TEARDOWN } from "../tdr.ts";

const LIFECYCLE_STATE_INCORRECT = Status.of("TDX_LIFECYCLE_STATE_INCORRECT");
const WBCACHE_NOT_COMPLETE = Status.of("TDX_WBCACHE_NOT_COMPLETE");

/** ABI 7, TDH.MNG.KEY.FREEID: gives the HKID back; the TD's pages can be reclaimed from now on. */
export const tdhMngKeyFreeid: Leaf = {
  name: "TDH.MNG.KEY.FREEID",
  number: 20,
  maxVersion: 0,
  refusals: () => ({
    statuses: [...pageRefusals("RCX"), "LIFECYCLE_STATE_INCORRECT", "WBCACHE_NOT_COMPLETE"],
    contended: ["RCX", "KOT"],
  }),

  run(m, r) {
    const td = m.tdrOperand(r, RCX, EXCLUSIVE);
    if (td === null) return m.refused;
    if (td.lifecycle !== TD_BLOCKED) return LIFECYCLE_STATE_INCORRECT;
    const owner = m.kot[td.hkid - m.platform.hkids.first] as KotEntry;
    if (owner.wbinvdBitmap !== 0) return WBCACHE_NOT_COMPLETE;

    m.kot[td.hkid - m.platform.hkids.first] = { ...owner, state: HKID_FREE };
    td.lifecycle = TD_TEARDOWN;
    return SUCCESS;
  },
};
