import type { Leaf } from "../leaf.ts";
import { EXCLUSIVE } from "../locks.ts";
import type { TdxModule } from "../module.ts";
import { contentsAt } from "../page-contents.ts";
import { OPERAND_INVALID } from "../pamt.ts";
import type { RefusalText } from "../refusals.ts";
import { pageRefusals, STATE_REFUSALS } from "../refusals.ts";
import { RCX, RDX, type Registers } from "../registers.ts";
import { L2SecureEpt, SecureEpt } from "../secure-ept.ts";
import { type Status, SUCCESS } from "../status.ts";
import { applyTdParams, findTdParamsRefusal, TD_PARAMS_BYTES, TdParams } from "../td-params.ts";
import { INITIALIZED, opStateSet } from "../tdcs.ts";

const OP_STATES = opStateSet("UNINITIALIZED");
const FIRST_EPOCH = 1;

/** What can be wrong with TD_PARAMS. */
const TD_PARAMS: readonly RefusalText[] = [
  "OPERAND_INVALID|RDX",
  "OPERAND_INVALID|ATTRIBUTES",
  "OPERAND_INVALID|XFAM",
  "OPERAND_INVALID|MAX_VCPUS",
  "OPERAND_INVALID|NUM_L2_VMS",
  "OPERAND_INVALID|EXEC_CONTROLS",
  "OPERAND_INVALID|EPTP_CONTROLS",
  "OPERAND_INVALID|TSC_FREQUENCY",
  "OPERAND_INVALID|CPUID_CONFIG",
  "OPERAND_INVALID|IA32_ARCH_CAPABILITIES_CONFIG",
];

/** ABI 7, TDH.MNG.INIT: sets the TD up as TD_PARAMS say. */
export const tdhMngInit: Leaf = {
  name: "TDH.MNG.INIT",
  number: 21,
  maxVersion: 0,
  missing: "of the platform's features only x87, SSE and AVX are offered in XFAM",
  refusals: () => ({
    statuses: [...pageRefusals("RCX"), ...STATE_REFUSALS, ...TD_PARAMS],
    contended: ["RCX"],
  }),

  run(m, r) {
    m.inputs.copy(r, RCX);
    r.setNumber(RCX, 0);
    const td = m.tdrOperand(m.inputs, RCX, EXCLUSIVE);
    if (td === null) return m.refused;
    if (!m.checkState(td, OP_STATES)) return m.refused;
    const address = sharedAddress(m, r);
    if (address === null) return OPERAND_INVALID[RDX] as Status;

    const params = new TdParams(contentsAt(m, address));
    const refusal = findTdParamsRefusal(params, td.tdcxPages.length, m.platform);
    if (refusal !== null) {
      r.set(RCX, refusal.rcx);
      return refusal.status;
    }

    const { tdcs } = td;
    tdcs.tdEpoch = FIRST_EPOCH;
    applyTdParams(tdcs, params);
    td.sept = new SecureEpt(params.pwl);
    td.l2Septs = Array.from(
      { length: params.numL2Vms },
      (_, i) => new L2SecureEpt(i + 1, params.pwl),
    );
    tdcs.opState = INITIALIZED;
    return SUCCESS;
  },
};

/** The shared HPA in RDX less its HKID (ABI 3.1), or null where it is none. */
function sharedAddress(m: TdxModule, r: Registers): number | null {
  const low = r.low[RDX] as number;
  const hkid = Math.floor(low / m.pamt.hkidLimit);
  const isShared = !r.isWide(RDX) && hkid < m.platform.hkids.first;
  return isShared && low % TD_PARAMS_BYTES === 0 ? low - hkid * m.pamt.hkidLimit : null;
}
