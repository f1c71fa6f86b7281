import { associate } from "../association.ts";
import type { Leaf } from "../leaf.ts";
import { SHARED } from "../locks.ts";
import { readFieldId } from "../metadata-field-id.ts";
import type { TdxModule } from "../module.ts";
import { newTdvprReach, vcpuAt, vcpuBefore } from "../new-vcpus.ts";
import { ASSOCIATION, VCPU_FIELD_REFUSALS } from "../refusals.ts";
import { R8, R9, RCX, RDX, type Registers } from "../registers.ts";
import { Status, SUCCESS } from "../status.ts";
import { opStateSet } from "../tdcs.ts";
import { tdvpsPages, VCPU_READY, type Vcpu } from "../tdvps.ts";
import {
  findVcpuField,
  isWritten,
  setVcpuField,
  type VcpuField,
  vcpuFieldValue,
} from "../vcpu-fields.ts";

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

  run(m, r, count) {
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
    const value = merged(field, previous, written, mask);
    if (value === null) return VALUE_NOT_VALID;
    const judged = field.check?.(m, vcpu, value) ?? SUCCESS;
    if (judged !== SUCCESS) return judged;

    setVcpuField(vcpu, field, value);
    for (let i = 1; i < count; i++) {
      const each = vcpuAt(m, r, RCX, i);
      const wanted = written + BigInt(i * r.span.r8Stride);
      const own = merged(field, vcpuFieldValue(each, field), wanted, mask);
      setVcpuField(each, field, own as bigint);
    }
    r.set(R8, previous);
    return SUCCESS;
  },

  reach(m, r, most, span) {
    const before = vcpuBefore(m, r, RCX, span, OP_STATES);
    const id = readFieldId(r, RDX);
    const field = id === null ? null : findVcpuField(id);
    if (before === null || field === null || !isWritten(before, field)) return 1;
    const reach = newTdvprReach(m, r, RCX, span, most);
    return span.r8Stride === 0 ? reach : legalReach(m, before, field, r, span.r8Stride, reach);
  },
};

/**
 * A value that held `previous` with the bits of `written` that `mask` selects; null where the host
 * may not write them.
 */
function merged(
  { writable }: VcpuField,
  previous: bigint,
  written: bigint,
  mask: bigint,
): bigint | null {
  // An address never set reads all-ones, but its fixed bits are judged as 0: KVM writes all 64.
  const current = previous === NO_ADDRESS ? previous & writable : previous;
  if (((written ^ current) & mask & ~writable) !== 0n) return null;
  return (current & ~mask) | (written & mask);
}

/** How many of `most` new vCPUs may have the values that R8 takes on. */
function legalReach(
  m: TdxModule,
  before: Vcpu,
  field: VcpuField,
  r: Registers,
  r8Stride: number,
  most: number,
): number {
  const mask = r.get(R9);
  let written = r.get(R8);
  for (let i = 0; i < most; i++) {
    const value = merged(field, field.initial, written, mask);
    const isLegal = value !== null && (field.check?.(m, before, value) ?? SUCCESS) === SUCCESS;
    if (!isLegal) return Math.max(1, i);
    written += BigInt(r8Stride);
  }
  return most;
}
