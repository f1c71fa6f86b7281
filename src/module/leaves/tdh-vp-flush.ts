import type { Leaf } from "../leaf.ts";
import { EXCLUSIVE } from "../locks.ts";
import { vcpuAt } from "../new-vcpus.ts";
import { PAGE_BYTES } from "../page-types.ts";
import { pageRefusals } from "../refusals.ts";
import { RCX } from "../registers.ts";
import { Status, SUCCESS } from "../status.ts";
import { TD_KEYS_CONFIGURED } from "../tdr.ts";
import { NO_LP, tdvpsPages } from "../tdvps.ts";

const TD_KEYS_NOT_CONFIGURED = Status.of("TDX_TD_KEYS_NOT_CONFIGURED");
const TDCX_NUM_INCORRECT = Status.of("TDX_TDCX_NUM_INCORRECT");
const VCPU_NOT_ASSOCIATED = Status.of("TDX_VCPU_NOT_ASSOCIATED");

/** ABI 7, TDH.VP.FLUSH: ends the vCPU's association; only the associated LP can do it. */
export const tdhVpFlush: Leaf = {
  name: "TDH.VP.FLUSH",
  number: 18,
  maxVersion: 0,
  refusals: () => ({
    statuses: [
      ...pageRefusals("RCX"),
      "TD_KEYS_NOT_CONFIGURED",
      "TDCX_NUM_INCORRECT",
      "VCPU_NOT_ASSOCIATED",
    ],
    contended: ["RCX", "TDR"],
  }),

  run(m, r, count) {
    const vcpu = m.tdvprOperand(r, RCX, EXCLUSIVE);
    if (vcpu === null) return m.refused;
    const { td } = vcpu;
    m.lockOwner(td);
    if (td.lifecycle !== TD_KEYS_CONFIGURED) return TD_KEYS_NOT_CONFIGURED;
    if (vcpu.pages.length < tdvpsPages(td.tdcs.numL2Vms)) return TDCX_NUM_INCORRECT;
    if (vcpu.assocLp !== m.lp) return VCPU_NOT_ASSOCIATED;

    vcpu.assocLp = NO_LP;
    for (let i = 1; i < count; i++) vcpuAt(m, r, RCX, i).assocLp = NO_LP;
    td.tdcs.numAssocVcpus -= count;
    return SUCCESS;
  },

  /** Complete vCPUs of one TD, each associated with the LP that makes the call. */
  reach(m, r, most, { rcxStride, lpStride = 0 }, lp = NO_LP) {
    const page = (r.low[RCX] as number) / PAGE_BYTES;
    const td = m.vcpus.get(page)?.td;
    const isOperable = td?.lifecycle === TD_KEYS_CONFIGURED && m.runningVcpus === 0;
    if (!isOperable || rcxStride === 0) return 1;
    const pages = tdvpsPages(td.tdcs.numL2Vms);
    for (let i = 0; i < most; i++) {
      const vcpu = m.vcpus.get(page + (i * rcxStride) / PAGE_BYTES);
      const isAlike = vcpu?.td === td && vcpu.assocLp === lp + i * lpStride;
      if (!isAlike || vcpu.pages.length < pages) return Math.max(1, i);
    }
    return most;
  },
};
