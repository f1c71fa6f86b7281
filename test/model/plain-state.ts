/** State of the plain model: one record a page, an entry or a lock; no runs, nothing shared. */

export const KIB4 = 4096;
export const PAGE_BYTES = [KIB4, 512 * KIB4, 512 * 512 * KIB4] as const;
/** Bytes that an entry of each level maps. */
export const ENTRY_BYTES = [0, 1, 2, 3, 4].map((level) => KIB4 * 512 ** level);
export const ALL_ONES = 0xffff_ffff_ffff_ffffn;

export const TYPES = { NDA: 0, RSVD: 1, REG: 3, TDR: 4, TDCX: 5, TDVPR: 6, EPT: 8 } as const;
export type PageType = keyof typeof TYPES;

export type EntryState =
  | "FREE"
  | "NL_MAPPED"
  | "NL_BLOCKED"
  | "MAPPED"
  | "BLOCKED"
  | "PENDING"
  | "PENDING_BLOCKED";

/** Architectural state in RDX[15:8] of SEPT details. */
export const SHOWN_STATE: Readonly<Record<EntryState, number>> = {
  FREE: 0x00,
  NL_MAPPED: 0x84,
  NL_BLOCKED: 0x81,
  MAPPED: 0x04,
  BLOCKED: 0x01,
  PENDING: 0x02,
  PENDING_BLOCKED: 0x03,
};

export interface PamtEntry {
  /** 0 to 2; the index counts pages of that size. */
  readonly size: number;
  readonly index: number;
  type: PageType;
  owner: number;
  bepoch: number;
}

export interface Entry {
  readonly state: EntryState;
  readonly pa: number;
  /** VMs with a counterpart in their L2 tree. */
  readonly aliases: readonly number[];
}

export interface L2Entry {
  readonly isBlocked: boolean;
  readonly pa: number;
}

export interface PlainTd {
  readonly tdr: number;
  readonly hkid: number;
  lifecycle: 0 | 1 | 2 | 3;
  chldcnt: number;
  readonly keyed: Set<number>;
  readonly tdcx: number[];
  opState: 0 | 1 | 2;
  numVcpus: number;
  numAssoc: number;
  maxVcpus: number;
  isDebug: boolean;
  gpaw: 0 | 1;
  pwl: 3 | 4;
  epoch: number;
  readonly refcount: [number, number];
  readonly sept: Map<string, Entry>;
  /** L2 trees, VM 1 first. */
  readonly l2: Map<string, L2Entry>[];
}

export interface PlainVcpu {
  readonly tdvpr: number;
  readonly td: PlainTd;
  pages: number;
  state: "UNINITIALIZED" | "READY" | "ACTIVE";
  lp: number | null;
  epoch: number;
}

/** TD_PARAMS as the host wrote them; null where the module's own contents stand. */
export interface PlainParams {
  readonly attributes: bigint;
  readonly xfam: bigint;
  readonly maxVcpus: number;
  readonly numL2Vms: number;
  readonly eptpControls: bigint;
  readonly configFlags: bigint;
  readonly tscFrequency: number;
}

export interface PlainRegisters {
  rcx: bigint;
  rdx: bigint;
  r8: bigint;
  r9: bigint;
  r10: bigint;
  r11: bigint;
}

/** Ends a call with a status. */
export class Answer {
  readonly status: string;

  constructor(status: string) {
    this.status = status;
  }
}

export function refuse(status: string): never {
  throw new Answer(status);
}

export function key(level: number, gpa: number): string {
  return `${level}/${Math.floor(gpa / (ENTRY_BYTES[level] as number))}`;
}
