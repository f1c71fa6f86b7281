import type { PlainChecks } from "./plain-checks.ts";
import {
  ALL_ONES,
  ENTRY_BYTES,
  type Entry,
  type EntryState,
  KIB4,
  key,
  type PlainTd,
  refuse,
} from "./plain-state.ts";

type ListRegister = "r8" | "r9" | "r10" | "r11";
const LIST: readonly ListRegister[] = ["r8", "r9", "r10", "r11"];
const BIT_63 = 1n << 63n;

const UNBLOCKED: Partial<Record<EntryState, EntryState>> = {
  NL_BLOCKED: "NL_MAPPED",
  BLOCKED: "MAPPED",
  PENDING_BLOCKED: "PENDING",
};
const BLOCKED: Partial<Record<EntryState, EntryState>> = {
  NL_MAPPED: "NL_BLOCKED",
  MAPPED: "BLOCKED",
  PENDING: "PENDING_BLOCKED",
};

interface WithVersion extends PlainChecks {
  readonly version: number;
}

function isTable(state: EntryState): boolean {
  return state === "NL_MAPPED" || state === "NL_BLOCKED";
}

/** RCX and RDX as given; both are zeroed. */
function operands(m: PlainChecks): { rcx: bigint; rdx: bigint } {
  const { rcx, rdx } = m.r;
  m.r.rcx = 0n;
  m.r.rdx = 0n;
  return { rcx, rdx };
}

function interrupt(m: PlainChecks, given: { rcx: bigint; rdx: bigint }, status: string): void {
  if (!m.isInterruptPending()) return;
  m.r.rcx = given.rcx;
  m.r.rdx = given.rdx;
  refuse(status);
}

/** The table pages of the entries below one, as keys of the level below. */
function childKeys(level: number, gpa: number): string[] {
  const bytes = ENTRY_BYTES[level - 1] as number;
  return Array.from({ length: 512 }, (_, i) => key(level - 1, gpa + i * bytes));
}

function septAdd(m: WithVersion): void {
  const { version } = m;
  const { rcx, rdx } = operands(m);
  if (version > 1) refuse("OPERAND_INVALID|RAX");
  const given = LIST.map((name) => m.r[name]);
  const pages = given.map((value) => (value === ALL_ONES ? null : value & ~BIT_63));
  const output = (at: number, value: bigint): void => {
    if (version === 1) m.r[LIST[at] as ListRegister] = value;
  };
  for (const [at, page] of pages.entries()) output(at, page ?? ALL_ONES);
  if (((rdx & 0xfffn) | (rdx >> 52n)) > 1n) refuse("OPERAND_INVALID|RDX");
  const isExistingFine = (rdx & 1n) === 1n;
  const td = m.tdr(rdx - (rdx & 1n), "RDX", false);
  m.state(td, 1, 2);
  const { level, gpa, entry } = m.walk(td, rcx, 1, 4);
  const isFree = entry.state === "FREE";
  if (!isFree && entry.state !== "NL_MAPPED") {
    m.refuseEntry("EPT_ENTRY_STATE_INCORRECT|RCX", level, entry);
  }
  const [first = null] = pages;
  if (first === null && version === 0) refuse("OPERAND_INVALID|R8");
  if (first === null && isFree) m.refuseEntry("EPT_ENTRY_STATE_INCORRECT|RCX", level, entry);
  const wanted: { at: number; pa: number }[] = [];
  if (first !== null && isFree) wanted.push({ at: 0, pa: m.page(first, "R8", true, "NDA") });
  else if (first !== null && !isExistingFine) {
    m.refuseEntry("EPT_ENTRY_STATE_INCORRECT|RCX", level, entry);
  } else if (first !== null) output(0, first | BIT_63);
  for (let vm = 1; vm <= 3 && version === 1; vm++) {
    const page = pages[vm] ?? null;
    if (page === null) continue;
    const name = `R${8 + vm}`;
    if (vm > td.l2.length) refuse(`OPERAND_INVALID|${name}`);
    const stop = m.l2Descend(td, vm, level, gpa);
    if (stop.level !== level) {
      m.showL2(vm, stop.level, stop.entry);
      refuse(`L2_SEPT_WALK_FAILED|VM_${vm}|LEVEL_${stop.level}`);
    }
    if (stop.entry === undefined) wanted.push({ at: vm, pa: m.page(page, name, true, "NDA") });
    else if (isExistingFine) output(vm, page | BIT_63);
    else {
      m.showL2(vm, level, stop.entry);
      refuse(`L2_SEPT_ENTRY_NOT_FREE|VM_${vm}|LEVEL_${level}`);
    }
  }
  for (const [i, { at, pa }] of wanted.entries()) {
    if (at > 0 && i > 0) interrupt(m, { rcx, rdx }, "INTERRUPTED_RESUMABLE");
    addTable(m, td, level, gpa, at, pa, 0);
    output(at, ALL_ONES);
  }
}

/** Adds an L1 table (`vm` 0) or that of an L2 VM. */
function addTable(
  m: PlainChecks,
  td: PlainTd,
  level: number,
  gpa: number,
  vm: number,
  pa: number,
  bepoch?: number,
): void {
  const name = key(level, gpa);
  const entry = m.entry(td, level, gpa);
  if (vm === 0) td.sept.set(name, { state: "NL_MAPPED", pa, aliases: [] });
  else {
    td.l2[vm - 1]?.set(name, { isBlocked: false, pa });
    td.sept.set(name, { ...entry, aliases: [...entry.aliases, vm] });
  }
  m.take(0, pa, "EPT", td.tdr, bepoch);
  td.chldcnt += 1;
}

function sharedAddress(m: PlainChecks, value: bigint): boolean {
  const { hkidShift, hkids } = m.platform;
  return value % BigInt(KIB4) === 0n && value >> BigInt(hkidShift) < BigInt(hkids.first);
}

function pageAdd(m: PlainChecks): void {
  const { rcx, rdx } = operands(m);
  const td = m.tdr(rdx, "RDX", true);
  m.state(td, 1);
  const { level, gpa, entry } = m.walk(td, rcx, 0, 0);
  if (entry.state !== "FREE") m.refuseEntry("EPT_ENTRY_STATE_INCORRECT|RCX", level, entry);
  if (!sharedAddress(m, m.r.r9)) refuse("OPERAND_INVALID|R9");
  const pa = m.page(m.r.r8, "R8", true, "NDA");
  td.sept.set(key(0, gpa), { state: "MAPPED", pa, aliases: [] });
  td.chldcnt += 1;
  m.take(0, pa, "REG", td.tdr, 0);
}

function extend(m: PlainChecks): void {
  const { rcx, rdx } = operands(m);
  const td = m.tdr(rdx, "RDX", true);
  m.state(td, 1);
  if (rcx % 256n !== 0n) refuse("OPERAND_INVALID|RCX");
  m.privateGpa(td, rcx);
  const stop = m.descend(td, 0, Number(rcx));
  if (stop.entry.state !== "MAPPED") {
    m.refuseEntry("EPT_ENTRY_NOT_PRESENT|RCX", stop.level, stop.entry);
  }
}

function aug(m: PlainChecks): void {
  const { rcx, rdx } = operands(m);
  const td = m.tdr(rdx, "RDX", false);
  m.state(td, 1, 2);
  const { level, gpa, entry } = m.walk(td, rcx, 0, 1);
  if (entry.state !== "FREE") m.refuseEntry("EPT_ENTRY_STATE_INCORRECT|RCX", level, entry);
  const bytes = ENTRY_BYTES[level] as number;
  const pa = m.address(m.r.r8, "R8", bytes);
  const size = m.lockDown(pa, true, level) ?? refuse("OPERAND_BUSY|R8");
  let isFree = size === level && m.entryAt(level, pa).type === "NDA";
  for (let at = pa; isFree && at < pa + bytes; at += KIB4) {
    isFree = m.entryAt(0, at).type === "NDA";
  }
  if (!isFree) refuse("PAGE_METADATA_INCORRECT|R8");
  td.sept.set(key(level, gpa), { state: "PENDING", pa, aliases: [] });
  td.chldcnt += bytes / KIB4;
  m.take(level, pa, "REG", td.tdr, 0);
}

function switchL2(td: PlainTd, level: number, gpa: number, entry: Entry, isBlocked: boolean): void {
  for (const vm of entry.aliases) {
    const l2 = td.l2[vm - 1]?.get(key(level, gpa));
    if (l2 !== undefined) td.l2[vm - 1]?.set(key(level, gpa), { ...l2, isBlocked });
  }
}

function block(m: PlainChecks): void {
  const { rcx, rdx } = operands(m);
  const td = m.tdr(rdx, "RDX", false);
  m.state(td, 1, 2);
  const { level, gpa, entry } = m.walk(td, rcx, 0, 4);
  if (UNBLOCKED[entry.state] !== undefined) {
    m.refuseEntry("GPA_RANGE_ALREADY_BLOCKED|RCX", level, entry);
  }
  const state = BLOCKED[entry.state];
  if (state === undefined) throw m.refuseEntry("EPT_ENTRY_STATE_INCORRECT|RCX", level, entry);
  td.sept.set(key(level, gpa), { ...entry, state });
  m.block(isTable(state) ? 0 : level, entry.pa, td.epoch);
  switchL2(td, level, gpa, entry, true);
}

function unblock(m: PlainChecks): void {
  const { rcx, rdx } = operands(m);
  const td = m.tdr(rdx, "RDX", false);
  m.state(td, 1, 2);
  const { level, gpa, entry } = m.walk(td, rcx, 0, 4);
  const state = UNBLOCKED[entry.state];
  if (state === undefined) throw m.refuseEntry("EPT_ENTRY_STATE_INCORRECT|RCX", level, entry);
  m.tracked(td, level, entry, "SEPT_TREE");
  td.sept.set(key(level, gpa), { ...entry, state });
  switchL2(td, level, gpa, entry, false);
}

function remove(m: PlainChecks): void {
  const { rcx, rdx } = operands(m);
  const td = m.tdr(rdx, "RDX", false);
  m.state(td, 1, 2);
  const { level, gpa, entry } = m.walk(td, rcx, 0, 2);
  if (entry.state === "FREE" || isTable(entry.state)) {
    m.refuseEntry("EPT_ENTRY_STATE_INCORRECT|RCX", level, entry);
  }
  if (!m.lock(level, entry.pa, true)) refuse("OPERAND_BUSY|RCX");
  m.tracked(td, level, entry, "RCX");
  td.sept.delete(key(level, gpa));
  m.free(level, entry.pa);
  td.chldcnt -= (ENTRY_BYTES[level] as number) / KIB4;
  m.r.rcx = BigInt(entry.pa);
}

function startReport(m: WithVersion): void {
  if (m.version > 0) for (const name of ["r9", "r10", "r11"] as const) m.r[name] = ALL_ONES;
  if (m.version > 1) refuse("OPERAND_INVALID|RAX");
}

/** Frees the L2 tables of the aliased VMs; version 1 tells which. */
function freeL2(m: WithVersion, td: PlainTd, level: number, gpa: number, entry: Entry): void {
  for (const vm of entry.aliases) {
    const l2 = td.l2[vm - 1]?.get(key(level, gpa));
    td.l2[vm - 1]?.delete(key(level, gpa));
    if (l2 === undefined) continue;
    m.free(0, l2.pa);
    td.chldcnt -= 1;
    if (m.version === 1) m.r[LIST[vm] as ListRegister] = BigInt(l2.pa);
  }
}

function septRemove(m: WithVersion): void {
  const { rcx, rdx } = operands(m);
  startReport(m);
  const td = m.tdr(rdx, "RDX", false);
  m.state(td, 1, 2);
  const { level, gpa, entry } = m.walk(td, rcx, 1, 4);
  if (!isTable(entry.state)) m.refuseEntry("EPT_ENTRY_STATE_INCORRECT|RCX", level, entry);
  if (!m.lock(0, entry.pa, true)) refuse("OPERAND_BUSY|RCX");
  m.tracked(td, level, entry, "RCX");
  if (childKeys(level, gpa).some((name) => td.sept.has(name))) {
    m.refuseEntry("EPT_PAGE_NOT_FREE|RCX", level, entry);
  }
  freeL2(m, td, level, gpa, entry);
  td.sept.delete(key(level, gpa));
  m.free(0, entry.pa);
  td.chldcnt -= 1;
  m.r.rcx = BigInt(entry.pa);
}

function promote(m: WithVersion): void {
  const given = operands(m);
  startReport(m);
  const td = m.tdr(given.rdx, "RDX", false);
  m.state(td, 1, 2);
  const { level, gpa, entry } = m.walk(td, given.rcx, 1, 2);
  if (!isTable(entry.state)) m.refuseEntry("EPT_ENTRY_STATE_INCORRECT|RCX", level, entry);
  if (!m.lock(0, entry.pa, true)) refuse("OPERAND_BUSY|RCX");
  m.tracked(td, level, entry, "RCX");
  const names = childKeys(level, gpa);
  const children = names.map((name) => td.sept.get(name));
  const [child] = children;
  const bytes = ENTRY_BYTES[level] as number;
  const part = bytes / 512;
  const isUniform =
    child !== undefined &&
    (child.state === "MAPPED" || child.state === "PENDING") &&
    child.pa % bytes === 0 &&
    children.every((each, i) => each?.state === child.state && each.pa === child.pa + i * part);
  if (!isUniform) throw m.refuseEntry("EPT_INVALID_PROMOTE_CONDITIONS|RCX", level, entry);
  for (const vm of [...entry.aliases].sort()) {
    interrupt(m, given, "INTERRUPTED_RESTARTABLE");
    if (names.some((name) => td.l2[vm - 1]?.has(name))) {
      m.refuseEntry("EPT_INVALID_PROMOTE_CONDITIONS|RCX", level, entry);
    }
  }
  interrupt(m, given, "INTERRUPTED_RESTARTABLE");
  if (!m.lock(level, child.pa, true)) refuse("OPERAND_BUSY|RCX");
  freeL2(m, td, level, gpa, entry);
  for (const name of names) td.sept.delete(name);
  td.sept.set(key(level, gpa), { state: child.state, pa: child.pa, aliases: [] });
  td.chldcnt -= 1;
  m.free(0, entry.pa);
  m.take(level, child.pa, "REG", td.tdr);
  for (let i = 0; i < 512; i++) m.free(level - 1, child.pa + i * part);
  m.r.rcx = BigInt(entry.pa);
}

function demote(m: PlainChecks): void {
  const given = operands(m);
  const { rcx, rdx } = given;
  if (((rdx & 0xfffn) | (rdx >> 52n)) > 1n) refuse("OPERAND_INVALID|RDX");
  const isAliasedOnly = (rdx & 1n) === 1n;
  const td = m.tdr(rdx - (rdx & 1n), "RDX", false);
  m.state(td, 1, 2);
  const { level, gpa, entry } = m.walk(td, rcx, 1, 2);
  if (entry.state === "FREE" || isTable(entry.state)) {
    m.refuseEntry("EPT_ENTRY_STATE_INCORRECT|RCX", level, entry);
  }
  m.tracked(td, level, entry, "RCX");
  const table = m.page(m.r.r8, "R8", true, "NDA");
  const used: { vm: number; pa: number }[] = [];
  const skipped: ListRegister[] = [];
  for (let vm = 1; vm <= td.l2.length; vm++) {
    const name = LIST[vm] as ListRegister;
    const value = m.r[name];
    if (value === ALL_ONES) continue;
    if (isAliasedOnly) skipped.push(name);
    else used.push({ vm, pa: m.page(value & ~BIT_63, name.toUpperCase(), true, "NDA") });
  }
  for (const { vm } of used) {
    interrupt(m, given, "INTERRUPTED_RESTARTABLE");
    const stop = m.l2Descend(td, vm, level, gpa);
    if (stop.level === level) continue;
    m.showL2(vm, stop.level, stop.entry);
    refuse(`L2_SEPT_WALK_FAILED|VM_${vm}|LEVEL_${stop.level}`);
  }
  interrupt(m, given, "INTERRUPTED_RESTARTABLE");
  if (!m.lock(level, entry.pa, true)) refuse("OPERAND_BUSY|RCX");
  const part = (ENTRY_BYTES[level] as number) / 512;
  const state = UNBLOCKED[entry.state] ?? entry.state;
  m.free(level, entry.pa);
  for (const [i, name] of childKeys(level, gpa).entries()) {
    td.sept.set(name, { state, pa: entry.pa + i * part, aliases: [] });
    m.take(level - 1, entry.pa + i * part, "REG", td.tdr, 0);
  }
  addTable(m, td, level, gpa, 0, table);
  for (const { vm, pa } of used) addTable(m, td, level, gpa, vm, pa);
  for (const name of skipped) m.r[name] |= BIT_63;
}

function septRd(m: PlainChecks): void {
  const { rcx, rdx } = operands(m);
  const td = m.tdr(rdx - (rdx & 1n), "RDX", false);
  m.state(td, 1, 2);
  if ((rdx & 1n) === 1n && !td.isDebug) refuse("OPERAND_INVALID|RDX");
  const { level, entry } = m.walk(td, rcx, 0, 4);
  m.showEntry(level, entry);
  // No page has L2 attributes, which only its guest could give it.
  if ((rdx & 1n) === 1n) m.r.r8 = 0n;
}

/** The Secure EPT leaves of the plain model, by ABI name. */
export const PLAIN_SEPT_LEAVES = {
  "TDH.MEM.SEPT.ADD": (m: PlainChecks) => septAdd(m as WithVersion),
  "TDH.MEM.PAGE.ADD": pageAdd,
  "TDH.MR.EXTEND": extend,
  "TDH.MEM.PAGE.AUG": aug,
  "TDH.MEM.RANGE.BLOCK": block,
  "TDH.MEM.RANGE.UNBLOCK": unblock,
  "TDH.MEM.PAGE.REMOVE": remove,
  "TDH.MEM.SEPT.REMOVE": (m: PlainChecks) => septRemove(m as WithVersion),
  "TDH.MEM.PAGE.PROMOTE": (m: PlainChecks) => promote(m as WithVersion),
  "TDH.MEM.PAGE.DEMOTE": demote,
  "TDH.MEM.SEPT.RD": septRd,
} as const;
