import { HostMemory } from "./host-memory.ts";
import { type CacheWriteBack, HKID_FREE, HKID_RESERVED, type KotEntry } from "./key-ownership.ts";
import type { Leaf } from "./leaf.ts";
import { LEAVES, NEWER_LEAVES } from "./leaf-table.ts";
import { type LockMode, SHARED, SIZE_4K } from "./locks.ts";
import { PageRuns, type StepOfTag } from "./page-runs.ts";
import { PT_TDR, PT_TDVPR } from "./page-types.ts";
import { OPERAND_BUSY, OPERAND_INVALID, Pamt } from "./pamt.ts";
import { type Platform, packageCount } from "./platform.ts";
import { RAX, RCX, RDX, Registers } from "./registers.ts";
import { PAGES_PER_ENTRY, type SecureEpt } from "./secure-ept.ts";
import { Status, SUCCESS } from "./status.ts";
import { TDCS_PAGES_MIN } from "./tdcs.ts";
import { TD_KEYS_CONFIGURED, type Td } from "./tdr.ts";
import type { Vcpu } from "./tdvps.ts";

/** What the hardware around the module does during one call. */
export interface CallEnvironment {
  /** This many tests for a pending interrupt say no, later ones yes. */
  readonly quietTests: number;
  /** Outcome of key programming in KEY.CONFIG. */
  readonly pconfig: "OK" | "ENTROPY_ERROR" | "DEVICE_BUSY";
  readonly hasEntropy: boolean;
}

export const QUIET: CallEnvironment = {
  quietTests: Number.POSITIVE_INFINITY,
  pconfig: "OK",
  hasEntropy: true,
};

/** What a call set aside is gone when it returns: modules need no registers of their own. */
const INPUTS = new Registers();

const INVALID = Status.of("TDX_OPERAND_INVALID", "RAX");
const TD_FATAL = Status.of("TDX_TD_FATAL");
const TD_KEYS_NOT_CONFIGURED = Status.of("TDX_TD_KEYS_NOT_CONFIGURED");
const TDCS_NOT_ALLOCATED = Status.of("TDX_TDCS_NOT_ALLOCATED");
const OP_STATE_INCORRECT = Status.of("TDX_OP_STATE_INCORRECT");
const EPT_WALK_FAILED = Status.of("TDX_EPT_WALK_FAILED", "RCX");

/** Bits 51:0 that a private GPA may use, by GPAW (ABI 3.5). */
const PRIVATE_GPA_LIMIT = [2 ** 47, 2 ** 51] as const;

/** State that a module takes over from another. */
export type KeptState = Pick<TdxModule, "pamt" | "pamtPairs" | "kot" | "cacheWriteBacks">;

/** PAMT pages of the region after one lie after its own. */
export const PAIR_AFTER_PAIR: StepOfTag = () => 2;

function freshKot({ hkids: { first, count, global } }: Platform): KotEntry[] {
  return Array.from({ length: count }, (_, i) => ({
    state: first + i === global ? HKID_RESERVED : HKID_FREE,
    wbinvdBitmap: 0,
  }));
}

function freshWriteBacks(packages: number): CacheWriteBack[] {
  return Array.from({ length: packages }, () => ({ doneBlocks: 0, hkids: [] }));
}

/**
 * The emulated TDX module 1.5.01, system ready. `seamcall` is the only way in for the host;
 * `guest.ts` holds what a vCPU in the guest can do. State is plain; there is no clock,
 * randomness or I/O. A failing SEAMCALL is a status; an exception is a bug of ours.
 *
 * The check procedures of ABI section 6 stand here once. They return null (or false) when the
 * check fails and leave the status in `refused`.
 */
export class TdxModule {
  readonly platform: Platform;
  readonly packages: number;
  readonly pamt: Pamt;
  readonly kot: KotEntry[];
  readonly cacheWriteBacks: CacheWriteBack[];
  readonly hostMemory = new HostMemory();
  /** Regions of 2 MiB with PAMT pages, and the first of the two: a newer module's Dynamic PAMT. */
  readonly pamtPairs: PageRuns;
  /** TDs by TDR page, vCPUs by TDVPR page. */
  readonly tds = new Map<number, Td>();
  readonly vcpus = new Map<number, Vcpu>();
  /** The vCPU that each LP runs in the guest, if any. */
  readonly guests: (Vcpu | null)[];
  runningVcpus = 0;

  /** The LP that makes the current call, and what happens around it. */
  lp = 0;
  environment: CallEnvironment = QUIET;
  interruptTests = 0;
  /** Why the last check procedure failed. */
  refused: Status = SUCCESS;
  /**
   * Operands as given, where a leaf zeroes its registers first or takes flag bits out of them.
   * Addresses stay in registers on their way: as arguments they would be boxed, call by call.
   */
  readonly inputs = INPUTS;
  private rdxFlag = 0;
  private lastTd: Td | null = null;

  /** Without `kept` no page is in use and no HKID but the module's own. */
  constructor(platform: Platform, kept?: KeptState) {
    this.platform = platform;
    this.packages = packageCount(platform);
    this.pamt = kept?.pamt ?? new Pamt(platform);
    this.pamtPairs = kept?.pamtPairs ?? new PageRuns(PAIR_AFTER_PAIR);
    this.kot = kept?.kot ?? freshKot(platform);
    this.cacheWriteBacks = kept?.cacheWriteBacks ?? freshWriteBacks(this.packages);
    this.guests = platform.lpToPackage.map(() => null);
  }

  /**
   * Executes the SEAMCALL that RAX names on `lp`, `count` times (see {@link Leaf.run}). An LP that
   * `guests` has in the guest can call nothing before `vpExit`: its owner sees to that.
   * The status is what RAX holds afterwards; the other registers are written in place.
   */
  seamcall(lp: number, r: Registers, count = 1, environment: CallEnvironment = QUIET): Status {
    let leaf = LEAVES[r.low[RAX] as number];
    if (leaf === undefined) leaf = this.rareLeaf(r);
    if (leaf === undefined || r.isWide(RAX)) return INVALID;
    this.lp = lp;
    if (this.environment !== environment) this.environment = environment;
    this.interruptTests = 0;
    const status = leaf.run(this, r, count);
    this.pamt.locks.releaseAll();
    return status;
  }

  /** Dispatcher checks of ABI 2 for everything but version 0 of a leaf of module 1.5. */
  private rareLeaf(r: Registers): Leaf | undefined {
    const rax = r.low[RAX] as number;
    if (rax >= 2 ** 24) return undefined;
    const leaf = this.leaf(rax & 0xffff);
    return rax > 0xffff && leaf?.maxVersion === 0 ? undefined : leaf;
  }

  /** Leaves of a newer module exist where the platform says so. */
  private leaf(number: number): Leaf | undefined {
    return LEAVES[number] ?? (this.platform.hasDynamicPamt ? NEWER_LEAVES[number] : undefined);
  }

  /** Version of the current call, RAX bits 23:16. */
  version(r: Registers): number {
    return (r.low[RAX] as number) >> 16;
  }

  get package(): number {
    return this.platform.lpToPackage[this.lp] as number;
  }

  /** One test for a pending host interrupt. */
  isInterruptPending(): boolean {
    return this.interruptTests++ >= this.environment.quietTests;
  }

  /** P-PAGE (ABI 6) of a register, of the call's own or of `inputs`. */
  checkPage(r: Registers, register: number, mode: LockMode, type: number): boolean {
    const status = this.pamt.checkPage(r, register, mode, type);
    if (status === SUCCESS) return true;
    this.refused = status;
    return false;
  }

  /** P-PAGE of a TDR operand. */
  tdrOperand(r: Registers, register: number, mode: LockMode): Td | null {
    const last = this.lastTd;
    if (last !== null && r.low[register] === last.page * 4096 && !r.isWide(register)) {
      if (this.pamt.locks.takePath(last.page, SIZE_4K, mode)) return last;
      this.refused = OPERAND_BUSY[register] as Status;
      return null;
    }
    if (!this.checkPage(r, register, mode, PT_TDR)) return null;
    return this.tdOf((r.low[register] as number) / 4096);
  }

  /** The TD whose TDR lies in this page. */
  tdOf(tdrPage: number): Td {
    const last = this.lastTd;
    if (last !== null && last.page === tdrPage) return last;
    this.lastTd = this.tds.get(tdrPage) as Td;
    return this.lastTd;
  }

  /** The TDR of this page is gone. */
  forgetTd(td: Td): void {
    this.tds.delete(td.page);
    this.lastTd = null;
  }

  /** P-PAGE of a TDVPR operand. */
  tdvprOperand(r: Registers, register: number, mode: LockMode): Vcpu | null {
    if (!this.checkPage(r, register, mode, PT_TDVPR)) return null;
    return this.vcpus.get((r.low[register] as number) / 4096) as Vcpu;
  }

  /**
   * P-ITDR (ABI 6): the owner TDR of a TDVPR or reclaimed page, share-locked. Between calls vCPUs
   * in the guest hold it shared at most, so that here, unlike on hardware, it is never busy.
   */
  lockOwner(td: Td): void {
    this.pamt.locks.takePath(td.page, SIZE_4K, SHARED);
  }

  /** P-STATE (ABI 6); `allowed` is the leaf's row of ABI 1.8 as a bit mask. */
  checkState(td: Td, allowed: number): boolean {
    if (td.isFatal) this.refused = TD_FATAL;
    else if (td.lifecycle !== TD_KEYS_CONFIGURED) this.refused = TD_KEYS_NOT_CONFIGURED;
    else if (td.tdcxPages.length < TDCS_PAGES_MIN) this.refused = TDCS_NOT_ALLOCATED;
    else if (((allowed >> td.tdcs.opState) & 1) === 0) this.refused = OP_STATE_INCORRECT;
    else return true;
    return false;
  }

  /** Every Secure EPT leaf zeroes RCX and RDX first; what was in them moves to `inputs`. */
  takeSeptOperands(r: Registers): void {
    const { inputs } = this;
    const { low } = r;
    inputs.low[RCX] = low[RCX] as number;
    inputs.low[RDX] = low[RDX] as number;
    low[RCX] = 0;
    low[RDX] = 0;
    if (r.wide !== 0 || inputs.wide !== 0) this.takeWideSeptOperands(r);
    this.rdxFlag = 0;
  }

  private takeWideSeptOperands(r: Registers): void {
    for (const register of [RCX, RDX]) {
      this.inputs.setHigh(register, r.high(register));
      r.setHigh(register, 0);
    }
  }

  /** Bit 0 of RDX is a flag of some leaves and not part of the TDR's address. */
  takeRdxFlag(): boolean {
    this.rdxFlag = (this.inputs.low[RDX] as number) & 1;
    this.inputs.low[RDX] = (this.inputs.low[RDX] as number) - this.rdxFlag;
    return this.rdxFlag === 1;
  }

  /** An interrupted leaf gives RCX and RDX back, to be called again with them. */
  restoreSeptOperands(r: Registers): void {
    r.copy(this.inputs, RCX);
    r.copy(this.inputs, RDX);
    r.low[RDX] = (r.low[RDX] as number) + this.rdxFlag;
  }

  /**
   * P-WALK (ABI 6) on the page-info taken from RCX, for entries of level `min` to `max`
   * (PWL where `max` is above it).
   * On success the tree stands on the entry; a failed walk shows the entry where it stopped.
   */
  walk(td: Td, r: Registers, min: number, max: number): SecureEpt | null {
    const sept = td.sept as SecureEpt;
    const info = this.inputs.low[RCX] as number;
    const level = info & 7;
    if (!this.checkPageInfo(td, level, min, max)) return null;
    if (sept.walk((info - level) / 4096, level)) return sept;
    sept.showDetails(r);
    this.refused = EPT_WALK_FAILED;
    return null;
  }

  /** Rows 1 and 2 of P-WALK: page-info word and private GPA. */
  checkPageInfo(td: Td, level: number, min: number, max: number): boolean {
    const info = this.inputs.low[RCX] as number;
    const gpa = info - level;
    const isValid =
      !this.inputs.isWide(RCX) &&
      (info & 0xff8) === 0 &&
      level >= min &&
      level <= Math.min(max, (td.sept as SecureEpt).pwl) &&
      isAligned(gpa / 4096, level) &&
      this.isPrivateGpa(td, gpa);
    if (!isValid) this.refused = OPERAND_INVALID[RCX] as Status;
    return isValid;
  }

  /** The private-GPA rule of ABI 3.5. */
  isPrivateGpa(td: Td, gpa: number): boolean {
    return gpa < (PRIVATE_GPA_LIMIT[td.tdcs.gpaw] as number);
  }

  refuse(status: Status): Status {
    this.refused = status;
    return status;
  }
}

function isAligned(gpaPage: number, level: number): boolean {
  const pages = PAGES_PER_ENTRY[level] as number;
  return Math.floor(gpaPage / pages) * pages === gpaPage;
}
