import { associate } from "../association.ts";
import { enterGuest } from "../guest.ts";
import type { Leaf } from "../leaf.ts";
import { SHARED } from "../locks.ts";
import { PAGE_BYTES } from "../page-types.ts";
import { OPERAND_INVALID } from "../pamt.ts";
import { ASSOCIATION, sharedPageRefusals, VCPU_STATE_REFUSALS } from "../refusals.ts";
import { RCX } from "../registers.ts";
import { anyReach } from "../spans.ts";
import { Status, SUCCESS } from "../status.ts";
import { opStateSet } from "../tdcs.ts";
import { tdvpsPages, VCPU_READY } from "../tdvps.ts";

const OP_STATES = opStateSet("RUNNABLE", "LIVE_EXPORT", "LIVE_IMPORT");
/** HOST_RECOVERABILITY_HINT and RESUME_L1, bits 52 and 53 of RCX. */
const FLAGS = 3;
const TDCX_NUM_INCORRECT = Status.of("TDX_TDCX_NUM_INCORRECT");
const VCPU_STATE_INCORRECT = Status.of("TDX_VCPU_STATE_INCORRECT");

/**
 * ABI 7, TDH.VP.ENTER: the calling LP runs the vCPU. Success means that the guest runs now; what
 * the leaf returns at TD exit is told by `vpExit`. Entering `count` times leaves one vCPU inside.
 */
export const tdhVpEnter: Leaf = {
  name: "TDH.VP.ENTER",
  number: 0,
  maxVersion: 0,
  missing: "no guest code, so no zero-step filter; the guest can accept pages and be interrupted",
  refusals: () => ({
    statuses: [
      ...sharedPageRefusals("RCX"),
      ...VCPU_STATE_REFUSALS,
      "TDCX_NUM_INCORRECT",
      "VCPU_STATE_INCORRECT",
      "VCPU_ASSOCIATED",
    ],
    contended: ["SEPT_TREE", "TD_EPOCH", "RCX", "TDR"],
    // The association is made before the flags in RCX are judged.
    effects: { "TDX_OPERAND_INVALID|RCX": ASSOCIATION },
  }),

  run(m, r) {
    const flags = r.high(RCX);
    m.inputs.low[RCX] = r.low[RCX] as number;
    m.inputs.setHigh(RCX, 0);
    if (((r.low[RCX] as number) & 0xfff) !== 0 || flags > FLAGS) {
      return OPERAND_INVALID[RCX] as Status;
    }
    const vcpu = m.tdvprOperand(m.inputs, RCX, SHARED);
    if (vcpu === null) return m.refused;
    const { td } = vcpu;
    m.lockOwner(td);
    if (!m.checkState(td, OP_STATES)) return m.refused;
    if (vcpu.pages.length < tdvpsPages(td.tdcs.numL2Vms)) return TDCX_NUM_INCORRECT;
    if (vcpu.state !== VCPU_READY) return VCPU_STATE_INCORRECT;
    if (!associate(m, vcpu)) return m.refused;
    // No exit here is an ASYNC_TRAP and the current VM is always L1: either flag is wrong.
    if (flags !== 0) return OPERAND_INVALID[RCX] as Status;

    enterGuest(m, vcpu);
    return SUCCESS;
  },

  reach(m, r, most) {
    const vcpu = m.vcpus.get((r.low[RCX] as number) / PAGE_BYTES);
    return vcpu?.state === VCPU_READY ? anyReach(m, vcpu.td, most, OP_STATES) : 1;
  },
};
