import type { Leaf } from "../leaf.ts";
import { EXCLUSIVE } from "../locks.ts";
import { pageRefusals, STATE_REFUSALS } from "../refusals.ts";
import { RCX } from "../registers.ts";
import { Status, SUCCESS } from "../status.ts";
import { opStateSet, RUNNABLE } from "../tdcs.ts";

const OP_STATES = opStateSet("INITIALIZED");
const NO_VCPUS = Status.of("TDX_NO_VCPUS");

/** ABI 7, TDH.MR.FINALIZE: ends the TD's build; from here on its vCPUs may run. */
export const tdhMrFinalize: Leaf = {
  name: "TDH.MR.FINALIZE",
  number: 17,
  maxVersion: 0,
  missing: "no measurement is computed: MRTD reads 0",
  refusals: () => ({
    statuses: [...pageRefusals("RCX"), ...STATE_REFUSALS, "NO_VCPUS"],
    contended: ["RCX"],
  }),

  run(m, r) {
    const td = m.tdrOperand(r, RCX, EXCLUSIVE);
    if (td === null) return m.refused;
    if (!m.checkState(td, OP_STATES)) return m.refused;
    if (td.tdcs.numVcpus === 0) return NO_VCPUS;

    td.tdcs.opState = RUNNABLE;
    return SUCCESS;
  },
};
