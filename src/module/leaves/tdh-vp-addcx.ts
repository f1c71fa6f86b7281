import type { Leaf } from "../leaf.ts";
import { EXCLUSIVE } from "../locks.ts";
import { fillWithOnes } from "../page-contents.ts";
import { PAGE_BYTES, PT_NDA, PT_TDCX } from "../page-types.ts";
import { pageRefusals, VCPU_STATE_REFUSALS } from "../refusals.ts";
import { RCX, RDX } from "../registers.ts";
import { Status, SUCCESS } from "../status.ts";
import { opStateSet } from "../tdcs.ts";
import { TDVPS_PAGES_MAX, VCPU_UNINITIALIZED } from "../tdvps.ts";

const OP_STATES = opStateSet("INITIALIZED", "STATE_IMPORT");
const VCPU_STATE_INCORRECT = Status.of("TDX_VCPU_STATE_INCORRECT");
const TDCX_NUM_INCORRECT = Status.of("TDX_TDCX_NUM_INCORRECT");

/** MSR bitmaps of L2 VMs, counted from the TDVPR. */
const MSR_BITMAP_PAGES: readonly number[] = [7, 8, 10, 11, 13, 14];

/** ABI 7, TDH.VP.ADDCX: adds a page to a vCPU's control structure; its owner is the TDR. */
export const tdhVpAddcx: Leaf = {
  name: "TDH.VP.ADDCX",
  number: 4,
  maxVersion: 0,
  refusals: () => ({
    statuses: [
      ...pageRefusals("RDX"),
      ...VCPU_STATE_REFUSALS,
      "VCPU_STATE_INCORRECT",
      "TDCX_NUM_INCORRECT",
      ...pageRefusals("RCX"),
    ],
    contended: ["RDX", "TDR", "RCX"],
  }),

  run(m, r) {
    const vcpu = m.tdvprOperand(r, RDX, EXCLUSIVE);
    if (vcpu === null) return m.refused;
    const { td } = vcpu;
    m.lockOwner(td);
    if (!m.checkState(td, OP_STATES)) return m.refused;
    if (vcpu.state !== VCPU_UNINITIALIZED) return VCPU_STATE_INCORRECT;
    if (vcpu.pages.length >= TDVPS_PAGES_MAX) return TDCX_NUM_INCORRECT;
    if (!m.checkPage(r, RCX, EXCLUSIVE, PT_NDA)) return m.refused;

    const page = (r.low[RCX] as number) / PAGE_BYTES;
    m.hostMemory.overwrite(page, 1);
    if (MSR_BITMAP_PAGES.includes(vcpu.pages.length)) fillWithOnes(m, page);
    vcpu.pages = [...vcpu.pages, page];
    td.chldcnt += 1;
    m.pamt.take(page, 1, PT_TDCX, td.page);
    return SUCCESS;
  },
};
