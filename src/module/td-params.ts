import { findCpuidRefusal } from "./cpuid-configuration.ts";
import type { Platform } from "./platform.ts";
import { Status } from "./status.ts";
import { TDCS_PAGES_MIN, type Tdcs } from "./tdcs.ts";

/** Bytes of a TD_PARAMS structure. */
export const TD_PARAMS_BYTES = 1024;

export const ATTRIBUTE_DEBUG = 1n;
const ATTRIBUTE_MIGRATABLE = 1n << 29n;
const ATTRIBUTE_PERFMON = 1n << 63n;
const ATTRIBUTES_ALLOWED = 0x8000_0000_7000_0001n;
/** x87, SSE and AVX: what the platform offers of the 0x6DBE7 that the module knows. */
const XFAM_SUPPORTED = 0x7n;
const XFAM_MANDATORY = 0x3n;
const MAX_L2_VMS = 3;
const CONFIG_FLAGS_ALLOWED = 7n;
const CONFIG_FLAG_GPAW = 1n;
const EPT_WRITE_BACK = 6n;
/** PWL 4 needs a physical address width of at least this. */
const MAX_PA_OF_5_LEVELS = 49;
const TSC_FREQUENCY_MIN = 4;
const TSC_FREQUENCY_MAX = 400;
/** Bits 4, 19, 20 and 24. */
const ARCH_CAPABILITIES_CONFIGURABLE = 0x0118_0010n;

const invalid = (operand: Parameters<typeof Status.of>[1]): Status =>
  Status.of("TDX_OPERAND_INVALID", operand);
const RDX_INVALID = invalid("RDX");
const CPUID_CONFIG_INVALID = invalid("CPUID_CONFIG");
const TDCS_NOT_ALLOCATED = Status.of("TDX_TDCS_NOT_ALLOCATED");

/** Why TD_PARAMS were refused; `rcx` is what TDH.MNG.INIT shows in RCX then. */
export interface TdParamsRefusal {
  readonly status: Status;
  readonly rcx: bigint;
}

/** A TD_PARAMS structure (ABI 10.2), read field by field. */
export class TdParams {
  readonly bytes: Uint8Array;
  readonly view: DataView;

  /** `bytes`: TD_PARAMS_BYTES of them. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get attributes(): bigint {
    return this.view.getBigUint64(0, true);
  }

  get isMigratable(): boolean {
    return (this.attributes & ATTRIBUTE_MIGRATABLE) !== 0n;
  }

  get xfam(): bigint {
    return this.view.getBigUint64(8, true);
  }

  get maxVcpus(): number {
    return this.view.getUint16(16, true);
  }

  get numL2Vms(): number {
    return this.view.getUint8(18);
  }

  get msrConfigCtls(): number {
    return this.view.getUint8(19);
  }

  get eptpControls(): bigint {
    return this.view.getBigUint64(24, true);
  }

  /** Level of the Secure EPT root's entries: 3 or 4. */
  get pwl(): number {
    return Number((this.eptpControls >> 3n) & 7n);
  }

  get configFlags(): bigint {
    return this.view.getBigUint64(32, true);
  }

  /** 1: 52-bit guest physical addresses. */
  get gpaw(): 0 | 1 {
    return (this.configFlags & CONFIG_FLAG_GPAW) === 0n ? 0 : 1;
  }

  get tscFrequency(): number {
    return this.view.getUint16(40, true);
  }

  get archCapabilitiesConfig(): bigint {
    return this.view.getBigUint64(224, true);
  }

  isZero(from: number, to: number): boolean {
    return this.bytes.subarray(from, to).every((byte) => byte === 0);
  }
}

/**
 * Judges TD_PARAMS in the order of ABI 7 TDH.MNG.INIT, rows 5 to 23; null is accepted.
 * `numTdcx` is how many TDCX pages the TD has. Rows about the platform's MSRs (14, 20) never fail.
 */
export function findTdParamsRefusal(
  p: TdParams,
  numTdcx: number,
  platform: Platform,
): TdParamsRefusal | null {
  const refuse = (status: Status, rcx = 0n): TdParamsRefusal => ({ status, rcx });
  if (!areAttributesLegal(p)) return refuse(invalid("ATTRIBUTES"));
  if (!isXfamLegal(p.xfam)) return refuse(invalid("XFAM"));
  if (p.maxVcpus === 0) return refuse(invalid("MAX_VCPUS"));
  if (p.numL2Vms > MAX_L2_VMS) return refuse(invalid("NUM_L2_VMS"));
  if (numTdcx < TDCS_PAGES_MIN + p.numL2Vms) return refuse(TDCS_NOT_ALLOCATED);
  if (!p.isZero(20, 24)) return refuse(RDX_INVALID);
  if ((p.configFlags & ~CONFIG_FLAGS_ALLOWED) !== 0n) return refuse(invalid("EXEC_CONTROLS"));
  if (!areEptpControlsLegal(p, platform)) return refuse(invalid("EPTP_CONTROLS"));
  if (p.tscFrequency < TSC_FREQUENCY_MIN || p.tscFrequency > TSC_FREQUENCY_MAX) {
    return refuse(invalid("TSC_FREQUENCY"));
  }
  if (!p.isZero(42, 80)) return refuse(RDX_INVALID);
  if (p.msrConfigCtls > 1) return refuse(RDX_INVALID);
  if (!p.isZero(232, 256)) return refuse(RDX_INVALID);
  const cpuid = findCpuidRefusal(p.view, p.isMigratable);
  if (cpuid !== null) return refuse(CPUID_CONFIG_INVALID, cpuid);
  if (!p.isZero(448, TD_PARAMS_BYTES)) return refuse(RDX_INVALID);
  if (!areArchCapabilitiesLegal(p)) return refuse(invalid("IA32_ARCH_CAPABILITIES_CONFIG"));
  if (p.isMigratable && p.numL2Vms > 0) return refuse(RDX_INVALID);
  return null;
}

function areAttributesLegal(p: TdParams): boolean {
  if ((p.attributes & ~ATTRIBUTES_ALLOWED) !== 0n) return false;
  return !p.isMigratable || (p.attributes & (ATTRIBUTE_DEBUG | ATTRIBUTE_PERFMON)) === 0n;
}

function isXfamLegal(xfam: bigint): boolean {
  return (xfam & XFAM_MANDATORY) === XFAM_MANDATORY && (xfam & ~XFAM_SUPPORTED) === 0n;
}

function areEptpControlsLegal(p: TdParams, platform: Platform): boolean {
  const { pwl, eptpControls } = p;
  const isPwlLegal =
    (pwl === 3 && p.gpaw === 0) || (pwl === 4 && platform.maxPa >= MAX_PA_OF_5_LEVELS);
  return isPwlLegal && eptpControls === (EPT_WRITE_BACK | (BigInt(pwl) << 3n));
}

function areArchCapabilitiesLegal(p: TdParams): boolean {
  const isConfigured = (p.msrConfigCtls & 1) === 1;
  return !isConfigured || (p.archCapabilitiesConfig & ~ARCH_CAPABILITIES_CONFIGURABLE) === 0n;
}

/** What TDH.MNG.INIT sets in the TDCS from TD_PARAMS that it accepted. */
export function applyTdParams(tdcs: Tdcs, p: TdParams): void {
  tdcs.attributes = p.attributes;
  tdcs.xfam = p.xfam;
  tdcs.maxVcpus = p.maxVcpus;
  tdcs.numL2Vms = p.numL2Vms;
  tdcs.eptpControls = Number(p.eptpControls);
  tdcs.configFlags = Number(p.configFlags);
  tdcs.gpaw = p.gpaw;
  tdcs.tscFrequency = p.tscFrequency;
  tdcs.params = p.bytes;
}
