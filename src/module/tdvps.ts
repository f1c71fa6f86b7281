import type { Td } from "./tdr.ts";

/** TDVPS.STATE (ABI 1.4). */
export const VCPU_UNINITIALIZED = 0;
export const VCPU_READY = 2;
export const VCPU_ACTIVE = 4;
export const VCPU_DISABLED = 8;

export const NO_LP = -1;

const TDVPS_PAGES_MIN = 6;
const TDVPS_PAGES_PER_L2_VM = 3;
export const TDVPS_PAGES_MAX = 15;

/**
 * A vCPU's control structure: TDVPR and its TDCX pages. Pages are host page numbers. Its lists are
 * replaced and never written into: copies of a module share them.
 */
export interface Vcpu {
  /** TDVPR page. */
  readonly page: number;
  readonly td: Td;
  /** TDVPR first, then the pages of VP.ADDCX. */
  pages: readonly number[];
  state: number;
  /** LP whose VMCS cache may hold this vCPU, or NO_LP. Only VP.FLUSH there takes it away. */
  assocLp: number;
  vcpuIndex: number;
  /** TD_EPOCH of the last entry; 0 before the first. */
  vcpuEpoch: number;
  /** Fields written by VP.WR: VMCS encoding and value, in order of first writing. */
  fields: readonly (readonly [number, bigint])[];
}

/** Pages a vCPU needs before it can be initialised. */
export function tdvpsPages(numL2Vms: number): number {
  return TDVPS_PAGES_MIN + TDVPS_PAGES_PER_L2_VM * numL2Vms;
}
