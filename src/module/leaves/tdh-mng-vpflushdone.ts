import { everyPackage, HKID_FLUSHED } from "../key-ownership.ts";
import type { Leaf } from "../leaf.ts";
import { EXCLUSIVE } from "../locks.ts";
import { pageRefusals } from "../refusals.ts";
import { RCX } from "../registers.ts";
import { Status, SUCCESS } from "../status.ts";
import { TDCS_PAGES_MIN, UNINITIALIZED } from "../tdcs.ts";
import { TD_BLOCKED, TD_HKID_ASSIGNED, TD_KEYS_CONFIGURED } from "../tdr.ts";

const LIFECYCLE_STATE_INCORRECT = Status.of("TDX_LIFECYCLE_STATE_INCORRECT");
const FLUSHVP_NOT_DONE = Status.of("TDX_FLUSHVP_NOT_DONE");

/** ABI 7, TDH.MNG.VPFLUSHDONE: no LP holds a vCPU any more; the HKID may leave the caches. */
export const tdhMngVpflushdone: Leaf = {
  name: "TDH.MNG.VPFLUSHDONE",
  number: 19,
  maxVersion: 0,
  refusals: () => ({
    statuses: [...pageRefusals("RCX"), "LIFECYCLE_STATE_INCORRECT", "FLUSHVP_NOT_DONE"],
    contended: ["RCX", "KOT"],
  }),

  run(m, r) {
    const td = m.tdrOperand(r, RCX, EXCLUSIVE);
    if (td === null) return m.refused;
    if (td.lifecycle !== TD_HKID_ASSIGNED && td.lifecycle !== TD_KEYS_CONFIGURED) {
      return LIFECYCLE_STATE_INCORRECT;
    }
    const hasTdcs = td.tdcxPages.length >= TDCS_PAGES_MIN && td.tdcs.opState !== UNINITIALIZED;
    if (hasTdcs && td.tdcs.numAssocVcpus !== 0) return FLUSHVP_NOT_DONE;

    const wbinvdBitmap = everyPackage(m.packages);
    m.kot[td.hkid - m.platform.hkids.first] = { state: HKID_FLUSHED, wbinvdBitmap };
    td.lifecycle = TD_BLOCKED;
    return SUCCESS;
  },
};
