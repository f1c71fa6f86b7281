import type { CallEnvironment } from "../../src/module/module.ts";
import type { Platform } from "../../src/module/platform.ts";
import {
  ENTRY_BYTES,
  type Entry,
  KIB4,
  key,
  type L2Entry,
  PAGE_BYTES,
  type PageType,
  type PamtEntry,
  type PlainParams,
  type PlainRegisters,
  type PlainTd,
  type PlainVcpu,
  refuse,
  SHOWN_STATE,
} from "./plain-state.ts";

type RegisterName = keyof PlainRegisters;

/** State and shared check procedures (ABI 3 to 6) of the plain model. */
export class PlainChecks {
  readonly platform: Platform;
  /** By page size, then by index. */
  readonly pamt: readonly Map<number, PamtEntry>[] = PAGE_BYTES.map(() => new Map());
  /** Entries that were written to since somebody emptied this. */
  readonly written = new Set<PamtEntry>();
  readonly tds = new Map<number, PlainTd>();
  readonly vcpus = new Map<number, PlainVcpu>();
  readonly guests: (PlainVcpu | null)[];
  readonly params = new Map<number, PlainParams>();
  readonly kot: { state: "FREE" | "ASSIGNED" | "FLUSHED" | "RESERVED"; dirty: Set<number> }[];
  readonly writeBacks: { done: number; hkids: number[] }[];

  r: PlainRegisters = { rcx: 0n, rdx: 0n, r8: 0n, r9: 0n, r10: 0n, r11: 0n };
  lp = 0;
  environment: CallEnvironment = { quietTests: 0, pconfig: "OK", hasEntropy: true };
  tests = 0;
  /** Locks of the call and of vCPUs in the guest: shared holders, or -1 for exclusive. */
  readonly callLocks: { readonly name: string; readonly isExclusive: boolean }[] = [];

  constructor(platform: Platform) {
    this.platform = platform;
    const { first, count, global } = platform.hkids;
    this.guests = platform.lpToPackage.map(() => null);
    this.kot = Array.from({ length: count }, (_, i) => ({
      state: first + i === global ? "RESERVED" : "FREE",
      dirty: new Set(),
    }));
    const packages = new Set(platform.lpToPackage);
    this.writeBacks = [...packages].map(() => ({ done: 0, hkids: [] }));
  }

  get packages(): number[] {
    return [...new Set(this.platform.lpToPackage)];
  }

  get package(): number {
    return this.platform.lpToPackage[this.lp] as number;
  }

  isInterruptPending(): boolean {
    this.tests += 1;
    return this.tests > this.environment.quietTests;
  }

  entryAt(size: number, pa: number): PamtEntry {
    const index = Math.floor(pa / (PAGE_BYTES[size] as number));
    const entries = this.pamt[size] as Map<number, PamtEntry>;
    let entry = entries.get(index);
    if (entry === undefined) {
      entry = { size, index, type: this.#initialType(size, pa), owner: 0, bepoch: 0 };
      entries.set(index, entry);
    }
    return entry;
  }

  #write(size: number, pa: number, change: Partial<PamtEntry>): void {
    this.written.add(Object.assign(this.entryAt(size, pa), change));
  }

  #initialType(size: number, pa: number): PageType {
    const isReserved = this.platform.tdmrs.some(({ base, reserved = [] }) =>
      reserved.some(({ offset, size: bytes }) => pa >= base + offset && pa < base + offset + bytes),
    );
    return size === 0 && isReserved ? "RSVD" : "NDA";
  }

  take(size: number, pa: number, type: PageType, owner: number, bepoch?: number): void {
    this.#write(size, pa, bepoch === undefined ? { type, owner } : { type, owner, bepoch });
  }

  free(size: number, pa: number): void {
    this.#write(size, pa, { type: "NDA" });
  }

  block(size: number, pa: number, bepoch: number): void {
    this.#write(size, pa, { bepoch });
  }

  /** Takes a PAMT entry lock for the call; false is a conflict. */
  lock(size: number, pa: number, isExclusive: boolean): boolean {
    const name = `${size}/${Math.floor(pa / (PAGE_BYTES[size] as number))}`;
    const held = this.callLocks.filter((each) => each.name === name);
    if (held.some((each) => each.isExclusive)) return false;
    if (isExclusive && (held.length > 0 || this.#guestHolds(name))) return false;
    this.callLocks.push({ name, isExclusive });
    return true;
  }

  #guestHolds(name: string): boolean {
    return this.guests.some((vcpu) => {
      if (vcpu === null) return false;
      const held = [0, 1, 2].map(
        (size) => `${size}/${Math.floor(vcpu.tdvpr / (PAGE_BYTES[size] as number))}`,
      );
      return [...held, `0/${vcpu.td.tdr / KIB4}`].includes(name);
    });
  }

  isInTdmr(pa: number): boolean {
    return this.platform.tdmrs.some(({ base, size }) => pa >= base && pa < base + size);
  }

  /** Rows 1 and 2 of P-PAGE; the address. */
  address(value: bigint, register: string, bytes: number = KIB4): number {
    const limit = 1n << BigInt(this.platform.hkidShift);
    if (value >= limit || value % BigInt(bytes) !== 0n) refuse(`OPERAND_INVALID|${register}`);
    const pa = Number(value);
    if (!this.isInTdmr(pa)) refuse(`OPERAND_ADDR_RANGE_ERROR|${register}`);
    return pa;
  }

  /** Locks from the 1G entry down; the size of the entry where the walk stops, or null: busy. */
  lockDown(pa: number, isExclusive: boolean, wanted = 0): number | null {
    for (let size = 2; size >= wanted; size--) {
      const isLeaf = size === wanted || this.entryAt(size, pa).type === "REG";
      if (!this.lock(size, pa, isLeaf && isExclusive)) return null;
      if (isLeaf) return size;
    }
    return null;
  }

  /** P-PAGE on a value. */
  page(value: bigint, register: string, isExclusive: boolean, type: PageType): number {
    const pa = this.address(value, register);
    const size = this.lockDown(pa, isExclusive);
    if (size === null) return refuse(`OPERAND_BUSY|${register}`);
    if (size !== 0 || this.entryAt(0, pa).type !== type) {
      refuse(`PAGE_METADATA_INCORRECT|${register}`);
    }
    return pa;
  }

  tdr(value: bigint, register: string, isExclusive: boolean): PlainTd {
    return this.tds.get(this.page(value, register, isExclusive, "TDR")) as PlainTd;
  }

  tdvpr(register: RegisterName, isExclusive: boolean): PlainVcpu {
    const pa = this.page(this.r[register], register.toUpperCase(), isExclusive, "TDVPR");
    const vcpu = this.vcpus.get(pa) as PlainVcpu;
    if (!this.lock(0, vcpu.td.tdr, false)) refuse("OPERAND_BUSY|TDR");
    return vcpu;
  }

  /** P-STATE; `allowed` are OP_STATE values. */
  state(td: PlainTd, ...allowed: readonly number[]): void {
    if (td.lifecycle !== 1) refuse("TD_KEYS_NOT_CONFIGURED");
    if (td.tdcx.length < 6) refuse("TDCS_NOT_ALLOCATED");
    if (!allowed.includes(td.opState)) refuse("OP_STATE_INCORRECT");
  }

  /** Page-info word and private GPA of P-WALK. */
  pageInfo(td: PlainTd, word: bigint, min: number, max: number): { level: number; gpa: number } {
    const level = Number(word & 7n);
    const gpa = word & 0xf_ffff_ffff_f000n;
    const isLevel = level >= min && level <= Math.min(max, td.pwl);
    if (word >> 52n !== 0n || (word & 0xff8n) !== 0n || !isLevel) refuse("OPERAND_INVALID|RCX");
    if (gpa % BigInt(ENTRY_BYTES[level] as number) !== 0n) refuse("OPERAND_INVALID|RCX");
    this.privateGpa(td, gpa);
    return { level, gpa: Number(gpa) };
  }

  privateGpa(td: PlainTd, gpa: bigint): void {
    if (gpa >> (td.gpaw === 0 ? 47n : 51n) !== 0n) refuse("OPERAND_INVALID|RCX");
  }

  entry(td: PlainTd, level: number, gpa: number): Entry {
    return td.sept.get(key(level, gpa)) ?? { state: "FREE", pa: 0, aliases: [] };
  }

  /** Descends to `level`; tells where it stopped. */
  descend(td: PlainTd, level: number, gpa: number): { level: number; entry: Entry } {
    for (let at: number = td.pwl; ; at--) {
      const entry = this.entry(td, at, gpa);
      if (at === level || entry.state !== "NL_MAPPED") return { level: at, entry };
    }
  }

  /** P-WALK on the word in `word`, which RCX no longer holds. */
  walk(td: PlainTd, word: bigint, min: number, max: number) {
    const { level, gpa } = this.pageInfo(td, word, min, max);
    const stop = this.descend(td, level, gpa);
    if (stop.level !== level) this.refuseEntry("EPT_WALK_FAILED|RCX", stop.level, stop.entry);
    return { level, gpa, entry: stop.entry };
  }

  /** Refuses with SEPT details. */
  refuseEntry(status: string, level: number, entry: Entry): never {
    this.showEntry(level, entry);
    return refuse(status);
  }

  showEntry(level: number, { state, pa }: Entry): void {
    this.r.rdx = BigInt(level) | (BigInt(SHOWN_STATE[state]) << 8n);
    if (state === "FREE") this.r.rcx = 1n << 63n;
    else if (state === "NL_MAPPED") this.r.rcx = 7n;
    else if (state === "NL_BLOCKED") this.r.rcx = 0n;
    else this.r.rcx = (1n << 63n) | BigInt(pa) | (state === "MAPPED" ? 0xf7n : 0xf0n);
  }

  l2Descend(td: PlainTd, vm: number, level: number, gpa: number) {
    const tree = td.l2[vm - 1] as Map<string, L2Entry>;
    for (let at: number = td.pwl; ; at--) {
      const entry = tree.get(key(at, gpa));
      if (at === level || entry === undefined || entry.isBlocked) return { level: at, entry };
    }
  }

  showL2(vm: number, level: number, entry: L2Entry | undefined): void {
    const state = entry === undefined ? 0x4000n : entry.isBlocked ? 0xc100n : 0xc400n;
    this.r.rdx = BigInt(level) | state | (BigInt(vm) << 16n);
    this.r.rcx = entry === undefined ? 1n << 63n : entry.isBlocked ? 0n : 0x407n;
  }

  /** The tracked test of ABI 5, where OP_STATE RUNNABLE asks for it. */
  tracked(td: PlainTd, level: number, entry: Entry, operand: string): void {
    if (td.opState !== 2) return;
    const isBlocked = ["NL_BLOCKED", "BLOCKED", "PENDING_BLOCKED"].includes(entry.state);
    if (!isBlocked) this.refuseEntry("GPA_RANGE_NOT_BLOCKED|RCX", level, entry);
    const size = entry.state === "NL_BLOCKED" ? 0 : level;
    const { bepoch } = this.entryAt(size, entry.pa);
    const isPast = bepoch < td.epoch - 1;
    const isLast = bepoch === td.epoch - 1 && td.refcount[(bepoch % 2) as 0 | 1] === 0;
    if (!isPast && !isLast) refuse(`TLB_TRACKING_NOT_DONE|${operand}`);
  }
}
