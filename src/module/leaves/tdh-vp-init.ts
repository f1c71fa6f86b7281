import { associate } from "../association.ts";
import type { Leaf } from "../leaf.ts";
import { EXCLUSIVE } from "../locks.ts";
import { newTdvprReach, vcpuAt, vcpuBefore } from "../new-vcpus.ts";
import { pageRefusals, VCPU_STATE_REFUSALS } from "../refusals.ts";
import { RCX } from "../registers.ts";
import { Status, SUCCESS } from "../status.ts";
import { opStateSet } from "../tdcs.ts";
import { tdvpsPages, VCPU_READY, VCPU_UNINITIALIZED } from "../tdvps.ts";

const OP_STATES = opStateSet("INITIALIZED");
const TDCX_NUM_INCORRECT = Status.of("TDX_TDCX_NUM_INCORRECT");
const VCPU_STATE_INCORRECT = Status.of("TDX_VCPU_STATE_INCORRECT");
const MAX_VCPUS_EXCEEDED = Status.of("TDX_MAX_VCPUS_EXCEEDED");

/** ABI 7, TDH.VP.INIT: makes a vCPU ready; it is associated with the calling LP from now on. */
export const tdhVpInit: Leaf = {
  name: "TDH.VP.INIT",
  number: 22,
  maxVersion: 0,
  refusals: () => ({
    statuses: [
      ...pageRefusals("RCX"),
      ...VCPU_STATE_REFUSALS,
      "TDCX_NUM_INCORRECT",
      "VCPU_STATE_INCORRECT",
      "MAX_VCPUS_EXCEEDED",
    ],
    contended: ["RCX", "TDR"],
  }),

  run(m, r, count) {
    const vcpu = m.tdvprOperand(r, RCX, EXCLUSIVE);
    if (vcpu === null) return m.refused;
    const { td } = vcpu;
    m.lockOwner(td);
    if (!m.checkState(td, OP_STATES)) return m.refused;
    const { tdcs } = td;
    if (vcpu.pages.length < tdvpsPages(tdcs.numL2Vms)) return TDCX_NUM_INCORRECT;
    if (vcpu.state !== VCPU_UNINITIALIZED) return VCPU_STATE_INCORRECT;
    if (tdcs.numVcpus >= tdcs.maxVcpus) return MAX_VCPUS_EXCEEDED;

    const { lpStride = 0 } = r.span;
    for (let i = 0; i < count; i++) {
      const each = count === 1 ? vcpu : vcpuAt(m, r, RCX, i);
      each.vcpuIndex = tdcs.numVcpus;
      tdcs.numVcpus += 1;
      each.state = VCPU_READY;
      associate(m, each, m.lp + i * lpStride);
    }
    return SUCCESS;
  },

  reach(m, r, most, span) {
    const before = vcpuBefore(m, r, RCX, span, OP_STATES);
    if (before === null) return 1;
    const { maxVcpus, numVcpus } = before.td.tdcs;
    const reach = Math.min(maxVcpus - numVcpus, newTdvprReach(m, r, RCX, span, most));
    return Math.max(1, reach);
  },
};
