import type { Leaf } from "../leaf.ts";
import { EXCLUSIVE } from "../locks.ts";
import { PAGE_BYTES, PT_NDA, PT_TDCX } from "../page-types.ts";
import { PAGE_CONTENTS, pageRefusals, VCPU_STATE_REFUSALS } from "../refusals.ts";
import { RCX, RDX } from "../registers.ts";
import { Status, SUCCESS } from "../status.ts";
import { TDCS_PAGES_MAX, TDCS_PAGES_MIN, UNINITIALIZED } from "../tdcs.ts";
import { TD_KEYS_CONFIGURED } from "../tdr.ts";

const TD_FATAL = Status.of("TDX_TD_FATAL");
const TD_KEYS_NOT_CONFIGURED = Status.of("TDX_TD_KEYS_NOT_CONFIGURED");
const TDCX_NUM_INCORRECT = Status.of("TDX_TDCX_NUM_INCORRECT");
const NO_ENTROPY = Status.of("TDX_RND_NO_ENTROPY");
const OP_STATE_INCORRECT = Status.of("TDX_OP_STATE_INCORRECT");

/** ABI 7, TDH.MNG.ADDCX: adds a page to the TD's control structure. */
export const tdhMngAddcx: Leaf = {
  name: "TDH.MNG.ADDCX",
  number: 1,
  maxVersion: 0,
  refusals: () => ({
    statuses: [
      ...pageRefusals("RDX"),
      ...pageRefusals("RCX"),
      ...VCPU_STATE_REFUSALS,
      "TDCX_NUM_INCORRECT",
      "RND_NO_ENTROPY",
    ],
    contended: ["RDX", "RCX"],
    effects: { TDX_RND_NO_ENTROPY: PAGE_CONTENTS, TDX_OP_STATE_INCORRECT: PAGE_CONTENTS },
  }),

  run(m, r) {
    const td = m.tdrOperand(r, RDX, EXCLUSIVE);
    if (td === null) return m.refused;
    if (td.isFatal) return TD_FATAL;
    if (td.lifecycle !== TD_KEYS_CONFIGURED) return TD_KEYS_NOT_CONFIGURED;
    const numTdcx = td.tdcxPages.length;
    if (numTdcx >= TDCS_PAGES_MAX) return TDCX_NUM_INCORRECT;
    if (!m.checkPage(r, RCX, EXCLUSIVE, PT_NDA)) return m.refused;

    // The two late failures come after the page was overwritten (ABI 11, 12).
    const page = (r.low[RCX] as number) / PAGE_BYTES;
    m.hostMemory.overwrite(page, 1);
    if (numTdcx === TDCS_PAGES_MIN - 1 && !m.environment.hasEntropy) return NO_ENTROPY;
    if (numTdcx >= TDCS_PAGES_MIN && td.tdcs.opState !== UNINITIALIZED) return OP_STATE_INCORRECT;

    td.tdcxPages.push(page);
    td.chldcnt += 1;
    m.pamt.take(page, 1, PT_TDCX, td.page);
    return SUCCESS;
  },
};
