import {
  CPUID_ENTRIES,
  cpuidRegister,
  NATIVE_FAMILY_MODEL_STEPPING,
} from "./cpuid-configuration.ts";
import type { TdxModule } from "./module.ts";
import { PAGE_BYTES } from "./page-types.ts";
import type { TdElement } from "./td-field-reading.ts";
import { SEPT_ROOT_TDCX } from "./tdcs.ts";
import type { Td } from "./tdr.ts";

type Reader = (td: Td, index: number, m: TdxModule) => bigint | number;

/** Offsets in TD_PARAMS (ABI 10.2). */
const MRCONFIGID = 80;
const MROWNER = 128;
const MROWNERCONFIG = 176;
const XFAM_AVX = 4n;
/** Bytes of an XSAVE area: legacy region and header, where AVX state starts, and its end. */
const XSAVE_HEADER_END = 576;
const AVX_STATE_END = 832;
const AVX = 2;
/** The TSC multiplier has 48 fraction bits; the virtual TSC runs as fast as the native one. */
const TSC_MULTIPLIER_ONE = 1n << 48n;
const HP_LOCK_TIMEOUT_US = 1_000_000;
const CPUID_VALUES = 80;

/** What fields hold besides 0. */
const READERS: Readonly<Record<string, Reader>> = {
  NUM_TDCX: (td) => td.tdcxPages.length,
  CHLDCNT: (td) => td.chldcnt,
  LIFECYCLE_STATE: (td) => td.lifecycle,
  TDCX_PA: (td, index, m) => {
    const page = td.tdcxPages[index];
    return page === undefined ? 0 : page * PAGE_BYTES + td.hkid * m.pamt.hkidLimit;
  },
  TD_UUID: uuidPart,
  HKID: (td) => td.hkid,
  PKG_CONFIG_BITMAP: (td) => td.pkgConfigBitmap,
  NUM_VCPUS: (td) => td.tdcs.numVcpus,
  NUM_ASSOC_VCPUS: (td) => td.tdcs.numAssocVcpus,
  OP_STATE: (td) => td.tdcs.opState,
  NUM_L2_VMS: (td) => td.tdcs.numL2Vms,
  ATTRIBUTES: (td) => td.tdcs.attributes,
  XFAM: (td) => td.tdcs.xfam,
  MAX_VCPUS: (td) => td.tdcs.maxVcpus,
  GPAW: (td) => td.tdcs.gpaw,
  EPTP: (td) => td.tdcs.eptpControls + (td.tdcxPages[SEPT_ROOT_TDCX] as number) * PAGE_BYTES,
  TSC_MULTIPLIER: () => TSC_MULTIPLIER_ONE,
  TSC_FREQUENCY: (td) => td.tdcs.tscFrequency,
  NUM_CPUID_VALUES: () => CPUID_VALUES,
  XBUFF_SIZE: (td) => (hasAvx(td) ? AVX_STATE_END : XSAVE_HEADER_END),
  XBUFF_OFFSETS: (td, index) => (index === AVX && hasAvx(td) ? XSAVE_HEADER_END : 0),
  HP_LOCK_TIMEOUT: () => HP_LOCK_TIMEOUT_US,
  CONFIG_FLAGS: (td) => td.tdcs.configFlags,
  CPUID_VALID: () => 1,
  TD_EPOCH: (td) => td.tdcs.tdEpoch,
  REFCOUNT: (td, index) => td.tdcs.refcount[index as 0 | 1],
  MRCONFIGID: (td, index) => params(td).getBigUint64(MRCONFIGID + index * 8, true),
  MROWNER: (td, index) => params(td).getBigUint64(MROWNER + index * 8, true),
  MROWNERCONFIG: (td, index) => params(td).getBigUint64(MROWNERCONFIG + index * 8, true),
  CPUID_VALUES: cpuidValue,
};

/** Value of an element of an initialised TD; fields of what is not emulated read 0. */
export function tdFieldValue(m: TdxModule, td: Td, { field, index }: TdElement): bigint {
  return BigInt(READERS[field.name]?.(td, index, m) ?? 0);
}

function params(td: Td): DataView {
  const { buffer, byteOffset, byteLength } = td.tdcs.params;
  return new DataView(buffer, byteOffset, byteLength);
}

function hasAvx(td: Td): boolean {
  return (td.tdcs.xfam & XFAM_AVX) !== 0n;
}

/** Random in the real module; here made of what tells TDs of one run apart. */
function uuidPart(td: Td, index: number): bigint {
  const seed = (BigInt(td.page) << 16n) | BigInt(td.hkid);
  return BigInt.asUintN(64, (seed + BigInt(index + 1)) * 0x9e37_79b9_7f4a_7c15n);
}

/** Even elements are EAX and EBX, odd ones ECX and EDX, of entry `index / 2`. */
function cpuidValue(td: Td, index: number): bigint {
  const [entry, half] = [index >> 1, (index & 1) * 2];
  const { leaf } = CPUID_ENTRIES[entry] as (typeof CPUID_ENTRIES)[number];
  const low = cpuidRegister(params(td), entry, half);
  const isNativeFamily = leaf === 1 && half === 0 && low === 0;
  const value = isNativeFamily ? NATIVE_FAMILY_MODEL_STEPPING : low;
  return (BigInt(cpuidRegister(params(td), entry, half + 1)) << 32n) | BigInt(value);
}
