import type { Leaf } from "../leaf.ts";
import { EXCLUSIVE, SHARED } from "../locks.ts";
import { newTdvprReach, vcpuBefore } from "../new-vcpus.ts";
import { PAGE_BYTES, PT_NDA, PT_TDVPR } from "../page-types.ts";
import { pageRefusals, STATE_REFUSALS, sharedPageRefusals } from "../refusals.ts";
import { RCX, RDX } from "../registers.ts";
import { SUCCESS } from "../status.ts";
import { opStateSet } from "../tdcs.ts";
import { NO_LP, VCPU_UNINITIALIZED } from "../tdvps.ts";

const OP_STATES = opStateSet("INITIALIZED", "STATE_IMPORT");

/** ABI 7, TDH.VP.CREATE: makes a free page the root of a new vCPU. NUM_VCPUS counts it later. */
export const tdhVpCreate: Leaf = {
  name: "TDH.VP.CREATE",
  number: 10,
  maxVersion: 0,
  refusals: () => ({
    statuses: [...sharedPageRefusals("RDX"), ...STATE_REFUSALS, ...pageRefusals("RCX")],
    contended: ["RCX", "RDX"],
  }),

  run(m, r, count) {
    const td = m.tdrOperand(r, RDX, SHARED);
    if (td === null) return m.refused;
    if (!m.checkState(td, OP_STATES)) return m.refused;
    if (!m.checkPage(r, RCX, EXCLUSIVE, PT_NDA)) return m.refused;

    for (let i = 0; i < count; i++) {
      const page = ((r.low[RCX] as number) + i * r.span.rcxStride) / PAGE_BYTES;
      m.hostMemory.overwrite(page, 1);
      m.vcpus.set(page, {
        page,
        td,
        pages: [page],
        state: VCPU_UNINITIALIZED,
        assocLp: NO_LP,
        vcpuIndex: 0,
        vcpuEpoch: 0,
        fields: [],
      });
      m.pamt.take(page, 1, PT_TDVPR, td.page);
    }
    td.chldcnt += count;
    return SUCCESS;
  },

  reach(m, r, most, span) {
    const before = vcpuBefore(m, r, RCX, span, OP_STATES);
    const isOfSameTd = before !== null && before.td.page * PAGE_BYTES === r.low[RDX];
    return isOfSameTd ? newTdvprReach(m, r, RCX, span, most) : 1;
  },
};
