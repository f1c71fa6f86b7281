/** TDCS.OP_STATE values (ABI 1.5). */
export const OP_STATES = [
  "UNINITIALIZED",
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
] as const;

export type OpStateName = (typeof OP_STATES)[number];

export const UNINITIALIZED = 0;
export const INITIALIZED = 1;
export const RUNNABLE = 2;
const LIVE_EXPORT = 3;
const LIVE_IMPORT = 9;

/** Fewest TDCX pages of a TD; each L2 VM needs one more (ABI 3.4). */
export const TDCS_PAGES_MIN = 6;
export const TDCS_PAGES_MAX = 9;
export const SEPT_ROOT_TDCX = 3;

/** TD-wide control structure: the fields that the emulated leaves read or write. */
export interface Tdcs {
  opState: number;
  numVcpus: number;
  numAssocVcpus: number;
  maxVcpus: number;
  numL2Vms: number;
  attributes: bigint;
  xfam: bigint;
  configFlags: number;
  /** 0: 48-bit guest physical addresses, 1: 52-bit. */
  gpaw: number;
  eptpControls: number;
  /** In 25 MHz units. */
  tscFrequency: number;
  tdEpoch: number;
  /** vCPUs now in the guest that entered in an even, odd epoch (ABI 5). */
  readonly refcount: [number, number];
  /** The TD_PARAMS that MNG.INIT accepted: TDH.MNG.RD shows more of them than is kept above. */
  params: Uint8Array;
}

export function newTdcs(): Tdcs {
  return {
    opState: UNINITIALIZED,
    numVcpus: 0,
    numAssocVcpus: 0,
    maxVcpus: 0,
    numL2Vms: 0,
    attributes: 0n,
    xfam: 0n,
    configFlags: 0,
    gpaw: 0,
    eptpControls: 0,
    tscFrequency: 0,
    tdEpoch: 0,
    refcount: [0, 0],
    params: new Uint8Array(),
  };
}

export function opStateSet(...names: readonly OpStateName[]): number {
  return names.reduce((mask, name) => mask | (1 << OP_STATES.indexOf(name)), 0);
}

/** The OP_STATEs in which removal, unblocking and splitting wait for TLB tracking (ABI 1.5). */
export function needsTlbTracking(opState: number): boolean {
  return opState === RUNNABLE || opState === LIVE_EXPORT || opState === LIVE_IMPORT;
}
