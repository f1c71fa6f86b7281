import { associate } from "../association.ts";
import type { Leaf } from "../leaf.ts";
import { SHARED } from "../locks.ts";
import { readFieldId } from "../metadata-field-id.ts";
import { ASSOCIATION, VCPU_FIELD_REFUSALS } from "../refusals.ts";
import { R8, R9, RCX, RDX } from "../registers.ts";
import { Status, SUCCESS } from "../status.ts";
import { opStateSet } from "../tdcs.ts";
import { tdvpsPages, VCPU_READY } from "../tdvps.ts";
import { findVcpuField, setVcpuField, vcpuFieldValue } from "../vcpu-fields.ts";

const OP_STATES = opStateSet(
  "INITIALIZED",
  "RUNNABLE",
  "LIVE_EXPORT",
  "MEMORY_IMPORT",
  "STATE_IMPORT",
  "POST_IMPORT",
  "LIVE_IMPORT",
  "FAILED_IMPORT",
);
const TDCX_NUM_INCORRECT = Status.of("TDX_TDCX_NUM_INCORRECT");
const VCPU_STATE_INCORRECT = Status.of("TDX_VCPU_STATE_INCORRECT");
const FIELD_ID_INCORRECT = Status.of("TDX_METADATA_FIELD_ID_INCORRECT");
const NO_ADDRESS = 0xffff_ffff_ffff_ffffn;
const FIELD_NOT_WRITABLE = Status.of("TDX_METADATA_FIELD_NOT_WRITABLE");
const VALUE_NOT_VALID = Status.of("TDX_METADATA_FIELD_VALUE_NOT_VALID");

/** ABI 7, TDH.VP.WR: writes the bits of a vCPU field that R9 selects; R8 shows what was there. */
export const tdhVpWr: Leaf = {
  name: "TDH.VP.WR",
  number: 43,
  maxVersion: 0,
  missing: "fields other than those that KVM uses; control bits that the host may not write read 0",
  refusals: () => ({
    statuses: [
      ...VCPU_FIELD_REFUSALS,
      "METADATA_FIELD_ID_INCORRECT",
      "METADATA_FIELD_NOT_WRITABLE",
      "METADATA_FIELD_VALUE_NOT_VALID",
      "TD_VMCS_FIELD_NOT_INITIALIZED",
    ],
    contended: ["RCX", "TDR"],
    // The association is made before the field id is judged.
    effects: {
      TDX_METADATA_FIELD_ID_INCORRECT: ASSOCIATION,
      TDX_METADATA_FIELD_NOT_WRITABLE: ASSOCIATION,
      TDX_METADATA_FIELD_VALUE_NOT_VALID: ASSOCIATION,
      TDX_TD_VMCS_FIELD_NOT_INITIALIZED: ASSOCIATION,
    },
  }),

  run(m, r) {
    const id = readFieldId(r, RDX);
    const written = r.get(R8);
    const mask = r.get(R9);
    r.setNumber(R8, 0);
    const vcpu = m.tdvprOperand(r, RCX, SHARED);
    if (vcpu === null) return m.refused;
    const { td } = vcpu;
    m.lockOwner(td);
    if (!m.checkState(td, OP_STATES)) return m.refused;
    if (vcpu.pages.length < tdvpsPages(td.tdcs.numL2Vms)) return TDCX_NUM_INCORRECT;
    if (vcpu.state !== VCPU_READY) return VCPU_STATE_INCORRECT;
    if (!associate(m, vcpu)) return m.refused;
    const field = id === null ? null : findVcpuField(id);
    if (field === null) return FIELD_ID_INCORRECT;
    if ((field.writable & mask) === 0n) return FIELD_NOT_WRITABLE;
    const previous = vcpuFieldValue(vcpu, field);
    // An address never set reads all-ones, but its fixed bits are judged as 0: KVM writes all 64.
    const current = previous === NO_ADDRESS ? previous & field.writable : previous;
    if (((written ^ current) & mask & ~field.writable) !== 0n) return VALUE_NOT_VALID;
    const value = (current & ~mask) | (written & mask);
    const judged = field.check?.(m, vcpu, value) ?? SUCCESS;
    if (judged !== SUCCESS) return judged;

    setVcpuField(vcpu, field, value);
    r.set(R8, previous);
    return SUCCESS;
  },
};
