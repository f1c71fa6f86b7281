import type { FieldId } from "./metadata-field-id.ts";
import type { TdxModule } from "./module.ts";
import { Status, SUCCESS } from "./status.ts";
import type { Vcpu } from "./tdvps.ts";

/** A field of the vCPU context that the host of a production TD may read. */
export interface VcpuField {
  /** Full id; its class and field code select the field, of class 0 by VMCS encoding. */
  readonly id: bigint;
  readonly fieldClass: number;
  readonly code: number;
  /** Bits the host may write; 0 is read only. */
  readonly writable: bigint;
  readonly initial: bigint;
  /** Judges the new value of the whole field; absent where any value goes. */
  readonly check?: (m: TdxModule, vcpu: Vcpu, value: bigint) => Status;
}

const VMCS = 0;
const OTHER_GUEST_STATE = 17;
const MANAGEMENT = 32;
const VCPU_CONTEXT = 2n << 52n;
const NON_ARCHITECTURAL = 1n << 63n;

const POSTED_INTERRUPT_VECTOR = 0x0002;
const POSTED_INTERRUPT_DESCRIPTOR = 0x2016;
const NO_VECTOR = 0xffffn;
const DESCRIPTOR_BITS = 0xffff_ffff_ffff_ffc0n;
const NO_DESCRIPTOR = 0xffff_ffff_ffff_ffffn;
const MAX_VECTOR = 255n;
const TSC_MULTIPLIER_ONE = 1n << 48n;

const VALUE_NOT_VALID = Status.of("TDX_METADATA_FIELD_VALUE_NOT_VALID");
const vmcsFieldUnset = (code: number): Status =>
  Status.atFieldCode("TDX_TD_VMCS_FIELD_NOT_INITIALIZED", code);
const VECTOR_UNSET = vmcsFieldUnset(POSTED_INTERRUPT_VECTOR);
const DESCRIPTOR_UNSET = vmcsFieldUnset(POSTED_INTERRUPT_DESCRIPTOR);

function field(
  fieldClass: number,
  code: number,
  sizeCode: number,
  writable: bigint,
  initial = 0n,
  check?: VcpuField["check"],
): VcpuField {
  const ownership = fieldClass === VMCS ? 0n : NON_ARCHITECTURAL;
  const place = (BigInt(fieldClass) << 56n) | (BigInt(sizeCode) << 32n) | BigInt(code);
  const id = ownership | VCPU_CONTEXT | place;
  return { id, fieldClass, code, writable, initial, ...(check === undefined ? {} : { check }) };
}

/**
 * The fields that KVM reads and writes: those of ABI 7 TDH.VP.WR, TSC offset and multiplier,
 * VCPU_STATE_DETAILS and PEND_NMI. Given are class, field code, log2 of the bytes, writable bits.
 */
const VCPU_FIELDS: readonly VcpuField[] = [
  field(VMCS, POSTED_INTERRUPT_VECTOR, 1, 0xffffn, NO_VECTOR, checkVector),
  field(VMCS, 0x2010, 3, 0n),
  field(VMCS, POSTED_INTERRUPT_DESCRIPTOR, 3, DESCRIPTOR_BITS, NO_DESCRIPTOR, checkShared),
  field(VMCS, 0x2032, 3, 0n, TSC_MULTIPLIER_ONE),
  field(VMCS, 0x203c, 3, 0x000f_ffff_ffff_f000n, 0n, checkShared),
  field(VMCS, 0x4000, 2, 0x80n, 0n, checkPinBasedControls),
  field(VMCS, 0x401e, 2, 0xc000_0000n),
  field(VMCS, 0x4024, 2, 0xffff_ffffn),
  field(OTHER_GUEST_STATE, 0x100, 3, 0n),
  field(MANAGEMENT, 11, 0, 1n),
];

export function findVcpuField(id: FieldId): VcpuField | null {
  const isNamed = ({ fieldClass, code }: VcpuField) =>
    fieldClass === id.fieldClass && code === id.code;
  return VCPU_FIELDS.find(isNamed) ?? null;
}

/** Full id of the field after `field` in table order, of the first for null; null after the last. */
export function nextVcpuFieldId(after: VcpuField | null): bigint | null {
  return VCPU_FIELDS[VCPU_FIELDS.indexOf(after as VcpuField) + 1]?.id ?? null;
}

export function vcpuFieldValue(vcpu: Vcpu, { fieldClass, code, initial }: VcpuField): bigint {
  return written(vcpu, fieldKey(fieldClass, code)) ?? initial;
}

export function isWritten(vcpu: Vcpu, { fieldClass, code }: VcpuField): boolean {
  return written(vcpu, fieldKey(fieldClass, code)) !== undefined;
}

export function setVcpuField(vcpu: Vcpu, field: VcpuField, value: bigint): void {
  const key = fieldKey(field.fieldClass, field.code);
  vcpu.fields = isWritten(vcpu, field)
    ? vcpu.fields.map((each) => (each[0] === key ? [key, value] : each))
    : [...vcpu.fields, [key, value]];
}

function written(vcpu: Vcpu, key: number): bigint | undefined {
  return vcpu.fields.find((each) => each[0] === key)?.[1];
}

/** The VMCS encoding itself for VMCS fields. */
function fieldKey(fieldClass: number, code: number): number {
  return fieldClass * 2 ** 24 + code;
}

function checkVector(_m: TdxModule, _vcpu: Vcpu, value: bigint): Status {
  return value <= MAX_VECTOR ? SUCCESS : VALUE_NOT_VALID;
}

/** Shared HPA: its HKID, and so what is above it, below the private ones (ABI 3.1). */
function checkShared(m: TdxModule, _vcpu: Vcpu, value: bigint): Status {
  const { hkidShift, hkids } = m.platform;
  return value >> BigInt(hkidShift) < BigInt(hkids.first) ? SUCCESS : VALUE_NOT_VALID;
}

/** Posted interrupts need vector and descriptor to be set before. */
function checkPinBasedControls(_m: TdxModule, vcpu: Vcpu, value: bigint): Status {
  if (value === 0n) return SUCCESS;
  if (written(vcpu, POSTED_INTERRUPT_VECTOR) === undefined) return VECTOR_UNSET;
  const descriptor = written(vcpu, POSTED_INTERRUPT_DESCRIPTOR);
  return descriptor === undefined ? DESCRIPTOR_UNSET : SUCCESS;
}
