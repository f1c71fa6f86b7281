import { associate } from "../association.ts";
import type { Leaf } from "../leaf.ts";
import { SHARED } from "../locks.ts";
import { isNullFieldId, readFieldId } from "../metadata-field-id.ts";
import { ASSOCIATION, FIELD_READ_REFUSALS, VCPU_FIELD_REFUSALS } from "../refusals.ts";
import { R8, RCX, RDX, type Registers } from "../registers.ts";
import { Status, SUCCESS } from "../status.ts";
import { opStateSet } from "../tdcs.ts";
import { tdvpsPages, VCPU_DISABLED, VCPU_READY } from "../tdvps.ts";
import { findVcpuField, nextVcpuFieldId, vcpuFieldValue } from "../vcpu-fields.ts";

const OP_STATES = opStateSet(
  "INITIALIZED",
  "RUNNABLE",
  "LIVE_EXPORT",
  "PAUSED_EXPORT",
  "POST_EXPORT",
  "MEMORY_IMPORT",
  "STATE_IMPORT",
  "POST_IMPORT",
  "LIVE_IMPORT",
  "FAILED_IMPORT",
);
const VERSION_INVALID = Status.of("TDX_OPERAND_INVALID", "RAX");
const TDCX_NUM_INCORRECT = Status.of("TDX_TDCX_NUM_INCORRECT");
const VCPU_STATE_INCORRECT = Status.of("TDX_VCPU_STATE_INCORRECT");
const FIRST_FIELD_ID = Status.of("TDX_METADATA_FIRST_FIELD_ID_IN_CONTEXT");
const FIELD_ID_INCORRECT = Status.of("TDX_METADATA_FIELD_ID_INCORRECT");

/** ABI 7, TDH.VP.RD: reads a field of the vCPU; this alone associates it with the calling LP. */
export const tdhVpRd: Leaf = {
  name: "TDH.VP.RD",
  number: 26,
  maxVersion: 1,
  missing: "fields other than those that KVM uses; control bits that the host may not write read 0",
  refusals: () => ({
    statuses: [...VCPU_FIELD_REFUSALS, ...FIELD_READ_REFUSALS],
    contended: ["RCX", "TDR"],
    // The association is made before the field id is judged.
    effects: {
      TDX_METADATA_FIRST_FIELD_ID_IN_CONTEXT: ASSOCIATION,
      TDX_METADATA_FIELD_ID_INCORRECT: ASSOCIATION,
      TDX_METADATA_FIELD_NOT_READABLE: ASSOCIATION,
    },
  }),

  run(m, r) {
    const version = m.version(r);
    const isNull = version === 1 && isNullFieldId(r, RDX);
    const id = readFieldId(r, RDX);
    r.setNumber(R8, 0);
    if (version > 0) r.setAllOnes(RDX);
    if (version > 1) return VERSION_INVALID;
    const vcpu = m.tdvprOperand(r, RCX, SHARED);
    if (vcpu === null) return m.refused;
    const { td } = vcpu;
    m.lockOwner(td);
    if (!m.checkState(td, OP_STATES)) return m.refused;
    if (vcpu.pages.length < tdvpsPages(td.tdcs.numL2Vms)) return TDCX_NUM_INCORRECT;
    if (vcpu.state !== VCPU_READY && vcpu.state !== VCPU_DISABLED) return VCPU_STATE_INCORRECT;
    if (!associate(m, vcpu)) return m.refused;
    if (isNull) {
      showNextId(r, nextVcpuFieldId(null));
      return FIRST_FIELD_ID;
    }
    const field = id === null ? null : findVcpuField(id);
    if (field === null) return FIELD_ID_INCORRECT;

    r.set(R8, vcpuFieldValue(vcpu, field));
    if (version === 1) showNextId(r, nextVcpuFieldId(field));
    return SUCCESS;
  },
};

/** All ones, which RDX holds already, after the last. */
function showNextId(r: Registers, next: bigint | null): void {
  if (next !== null) r.set(RDX, next);
}
