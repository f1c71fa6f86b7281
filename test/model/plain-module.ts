import type { CallEnvironment } from "../../src/module/module.ts";
import { PlainChecks } from "./plain-checks.ts";
import { PLAIN_SEPT_LEAVES } from "./plain-sept-leaves.ts";
import {
  Answer,
  KIB4,
  PAGE_BYTES,
  type PlainParams,
  type PlainRegisters,
  type PlainTd,
  type PlainVcpu,
  refuse,
  TYPES,
} from "./plain-state.ts";

export type PlainLeaf = (m: PlainChecks) => void;

const NO_PARAMS: PlainParams = {
  attributes: 0n,
  xfam: 0n,
  maxVcpus: 0,
  numL2Vms: 0,
  eptpControls: 0n,
  configFlags: 0n,
  tscFrequency: 0,
};

function create(m: PlainChecks): void {
  const { first, count } = m.platform.hkids;
  const hkid = m.r.rdx;
  if (hkid < BigInt(first) || hkid >= BigInt(first + count)) refuse("OPERAND_INVALID|RDX");
  const tdr = m.page(m.r.rcx, "RCX", true, "NDA");
  const owner = m.kot[Number(hkid) - first];
  if (owner?.state !== "FREE") throw refuse("HKID_NOT_FREE");
  if (!m.environment.hasEntropy) refuse("RND_NO_ENTROPY");
  owner.state = "ASSIGNED";
  m.tds.set(tdr, {
    tdr,
    hkid: Number(hkid),
    lifecycle: 0,
    chldcnt: 0,
    keyed: new Set(),
    tdcx: [],
    opState: 0,
    numVcpus: 0,
    numAssoc: 0,
    maxVcpus: 0,
    isDebug: false,
    gpaw: 0,
    pwl: 3,
    epoch: 1,
    refcount: [0, 0],
    sept: new Map(),
    l2: [],
  });
  m.take(0, tdr, "TDR", 0);
}

function keyConfig(m: PlainChecks): void {
  const td = m.tdr(m.r.rcx, "RCX", true);
  if (td.lifecycle !== 0) refuse("LIFECYCLE_STATE_INCORRECT");
  if (td.keyed.has(m.package)) refuse("KEY_CONFIGURED");
  if (m.environment.pconfig === "DEVICE_BUSY") refuse("OPERAND_BUSY|KET");
  if (m.environment.pconfig === "ENTROPY_ERROR") refuse("KEY_GENERATION_FAILED");
  td.keyed.add(m.package);
  if (td.keyed.size === m.packages.length) td.lifecycle = 1;
}

function addcx(m: PlainChecks): void {
  const td = m.tdr(m.r.rdx, "RDX", true);
  if (td.lifecycle !== 1) refuse("TD_KEYS_NOT_CONFIGURED");
  if (td.tdcx.length === 9) refuse("TDCX_NUM_INCORRECT");
  const pa = m.page(m.r.rcx, "RCX", true, "NDA");
  if (td.tdcx.length === 5 && !m.environment.hasEntropy) refuse("RND_NO_ENTROPY");
  if (td.tdcx.length >= 6 && td.opState !== 0) refuse("OP_STATE_INCORRECT");
  td.tdcx.push(pa);
  td.chldcnt += 1;
  m.take(0, pa, "TDCX", td.tdr);
}

function init(m: PlainChecks): void {
  const { rcx, rdx } = m.r;
  m.r.rcx = 0n;
  const td = m.tdr(rcx, "RCX", true);
  m.state(td, 0);
  const { hkidShift, hkids } = m.platform;
  if (rdx % 1024n !== 0n || rdx >> BigInt(hkidShift) >= BigInt(hkids.first)) {
    refuse("OPERAND_INVALID|RDX");
  }
  const p = m.params.get(Number(rdx % (1n << BigInt(hkidShift)))) ?? NO_PARAMS;
  const isMigratable = (p.attributes & 0x2000_0000n) !== 0n;
  const isOdd = isMigratable && (p.attributes & 0x8000_0000_0000_0001n) !== 0n;
  if ((p.attributes & ~0x8000_0000_7000_0001n) !== 0n || isOdd)
    refuse("OPERAND_INVALID|ATTRIBUTES");
  if (p.xfam !== 3n && p.xfam !== 7n) refuse("OPERAND_INVALID|XFAM");
  if (p.maxVcpus === 0) refuse("OPERAND_INVALID|MAX_VCPUS");
  if (p.numL2Vms > 3) refuse("OPERAND_INVALID|NUM_L2_VMS");
  if (td.tdcx.length < 6 + p.numL2Vms) refuse("TDCS_NOT_ALLOCATED");
  if (p.configFlags > 7n) refuse("OPERAND_INVALID|EXEC_CONTROLS");
  const gpaw = (p.configFlags & 1n) === 1n ? 1 : 0;
  const is4Level = p.eptpControls === 0x1en && gpaw === 0;
  const is5Level = p.eptpControls === 0x26n && m.platform.maxPa >= 49;
  if (!is4Level && !is5Level) refuse("OPERAND_INVALID|EPTP_CONTROLS");
  if (p.tscFrequency < 4 || p.tscFrequency > 400) refuse("OPERAND_INVALID|TSC_FREQUENCY");
  if (isMigratable && p.numL2Vms > 0) refuse("OPERAND_INVALID|RDX");
  td.opState = 1;
  td.maxVcpus = p.maxVcpus;
  td.isDebug = (p.attributes & 1n) === 1n;
  td.gpaw = gpaw;
  td.pwl = is4Level ? 3 : 4;
  for (let vm = 1; vm <= p.numL2Vms; vm++) td.l2.push(new Map());
}

function vpCreate(m: PlainChecks): void {
  const td = m.tdr(m.r.rdx, "RDX", false);
  m.state(td, 1);
  const tdvpr = m.page(m.r.rcx, "RCX", true, "NDA");
  m.vcpus.set(tdvpr, { tdvpr, td, pages: 1, state: "UNINITIALIZED", lp: null, epoch: 0 });
  td.chldcnt += 1;
  m.take(0, tdvpr, "TDVPR", td.tdr);
}

function vpAddcx(m: PlainChecks): void {
  const vcpu = m.tdvpr("rdx", true);
  m.state(vcpu.td, 1);
  if (vcpu.state !== "UNINITIALIZED") refuse("VCPU_STATE_INCORRECT");
  if (vcpu.pages >= 15) refuse("TDCX_NUM_INCORRECT");
  const pa = m.page(m.r.rcx, "RCX", true, "NDA");
  vcpu.pages += 1;
  vcpu.td.chldcnt += 1;
  m.take(0, pa, "TDCX", vcpu.td.tdr);
}

function associate(m: PlainChecks, vcpu: PlainVcpu): void {
  if (vcpu.lp !== null && vcpu.lp !== m.lp) refuse("VCPU_ASSOCIATED");
  if (vcpu.lp === null) vcpu.td.numAssoc += 1;
  vcpu.lp = m.lp;
}

function hasAllPages(vcpu: PlainVcpu): boolean {
  return vcpu.pages >= 6 + 3 * vcpu.td.l2.length;
}

function vpInit(m: PlainChecks): void {
  const vcpu = m.tdvpr("rcx", true);
  const { td } = vcpu;
  m.state(td, 1);
  if (!hasAllPages(vcpu)) refuse("TDCX_NUM_INCORRECT");
  if (vcpu.state !== "UNINITIALIZED") refuse("VCPU_STATE_INCORRECT");
  if (td.numVcpus === td.maxVcpus) refuse("MAX_VCPUS_EXCEEDED");
  td.numVcpus += 1;
  vcpu.state = "READY";
  associate(m, vcpu);
}

function enter(m: PlainChecks): void {
  const { rcx } = m.r;
  if ((rcx & 0xfffn) !== 0n || rcx >> 54n !== 0n) refuse("OPERAND_INVALID|RCX");
  m.r.rcx = rcx & 0xf_ffff_ffff_ffffn;
  let vcpu: PlainVcpu;
  try {
    vcpu = m.tdvpr("rcx", false);
  } finally {
    m.r.rcx = rcx;
  }
  const { td } = vcpu;
  m.state(td, 2);
  if (!hasAllPages(vcpu)) refuse("TDCX_NUM_INCORRECT");
  if (vcpu.state !== "READY") refuse("VCPU_STATE_INCORRECT");
  associate(m, vcpu);
  if (rcx >> 52n !== 0n) refuse("OPERAND_INVALID|RCX");
  vcpu.state = "ACTIVE";
  vcpu.epoch = td.epoch;
  td.refcount[(td.epoch % 2) as 0 | 1] += 1;
  m.guests[m.lp] = vcpu;
}

function flush(m: PlainChecks): void {
  const vcpu = m.tdvpr("rcx", true);
  if (vcpu.td.lifecycle !== 1) refuse("TD_KEYS_NOT_CONFIGURED");
  if (!hasAllPages(vcpu)) refuse("TDCX_NUM_INCORRECT");
  if (vcpu.lp !== m.lp) refuse("VCPU_NOT_ASSOCIATED");
  vcpu.lp = null;
  vcpu.td.numAssoc -= 1;
}

function vpflushdone(m: PlainChecks): void {
  const td = m.tdr(m.r.rcx, "RCX", true);
  if (td.lifecycle > 1) refuse("LIFECYCLE_STATE_INCORRECT");
  if (td.numAssoc > 0) refuse("FLUSHVP_NOT_DONE");
  td.lifecycle = 2;
  const owner = m.kot[td.hkid - m.platform.hkids.first] as PlainChecks["kot"][number];
  owner.state = "FLUSHED";
  owner.dirty = new Set(m.packages);
}

function freeid(m: PlainChecks): void {
  const td = m.tdr(m.r.rcx, "RCX", true);
  if (td.lifecycle !== 2) refuse("LIFECYCLE_STATE_INCORRECT");
  const owner = m.kot[td.hkid - m.platform.hkids.first] as PlainChecks["kot"][number];
  if (owner.dirty.size > 0) refuse("WBCACHE_NOT_COMPLETE");
  owner.state = "FREE";
  td.lifecycle = 3;
}

function cacheWb(m: PlainChecks): void {
  if (m.r.rcx > 1n) refuse("OPERAND_INVALID|RCX");
  const cycle = m.writeBacks[m.package] as PlainChecks["writeBacks"][number];
  if (m.r.rcx === 0n) {
    cycle.done = 0;
    cycle.hkids = [...m.kot.keys()].filter((i) => m.kot[i]?.state === "FLUSHED");
    if (cycle.hkids.length === 0) refuse("NO_HKID_READY_TO_WBCACHE");
  } else if (cycle.done === 0) refuse("WBCACHE_RESUME_ERROR");
  for (;;) {
    cycle.done += 1;
    if (cycle.done === m.platform.cacheSubBlocks) break;
    if (m.isInterruptPending()) refuse("INTERRUPTED_RESUMABLE");
  }
  for (const i of cycle.hkids) m.kot[i]?.dirty.delete(m.package);
  cycle.done = 0;
}

function clearAll(m: PlainChecks): void {
  for (const name of ["rcx", "rdx", "r8", "r9", "r10", "r11"] as const) m.r[name] = 0n;
}

function rdmd(m: PlainChecks): void {
  const { rcx } = m.r;
  clearAll(m);
  const pa = m.address(rcx, "RCX");
  const size = m.lockDown(pa, false) ?? refuse("OPERAND_BUSY|RCX");
  const { type, owner, bepoch } = m.entryAt(size, pa);
  m.r.rcx = BigInt(TYPES[type]);
  m.r.rdx = BigInt(owner);
  m.r.r8 = BigInt(size);
  if (type === "REG" || type === "EPT") m.r.r9 = BigInt(bepoch);
}

function wbinvd(m: PlainChecks): void {
  const { rcx } = m.r;
  if (rcx >> 52n !== 0n) refuse("OPERAND_INVALID|RCX");
  m.page(rcx % (1n << BigInt(m.platform.hkidShift)), "RCX", false, "NDA");
}

function reclaim(m: PlainChecks): void {
  const { rcx } = m.r;
  clearAll(m);
  const pa = m.address(rcx, "RCX");
  const size = m.lockDown(pa, true) ?? refuse("OPERAND_BUSY|RCX");
  const { type, owner } = m.entryAt(size, pa);
  if (type === "NDA" || type === "RSVD") refuse("PAGE_METADATA_INCORRECT|RCX");
  const td = m.tds.get(type === "TDR" ? pa : owner) as PlainTd;
  m.r.rcx = BigInt(TYPES[type]);
  m.r.rdx = BigInt(owner);
  m.r.r8 = BigInt(size);
  if (pa % (PAGE_BYTES[size] as number) !== 0) refuse("OPERAND_INVALID|RCX");
  if (type !== "TDR" && !m.lock(0, td.tdr, false)) refuse("OPERAND_BUSY|TDR");
  if (td.lifecycle !== 3) refuse("LIFECYCLE_STATE_INCORRECT");
  if (type === "TDR") {
    if (td.chldcnt > 0) refuse("TD_ASSOCIATED_PAGES_EXIST");
    m.tds.delete(pa);
  } else td.chldcnt -= (PAGE_BYTES[size] as number) / KIB4;
  if (type === "TDVPR") m.vcpus.delete(pa);
  m.free(size, pa);
}

function finalize(m: PlainChecks): void {
  const td = m.tdr(m.r.rcx, "RCX", true);
  m.state(td, 1);
  if (td.numVcpus === 0) refuse("NO_VCPUS");
  td.opState = 2;
}

function track(m: PlainChecks): void {
  const td = m.tdr(m.r.rcx, "RCX", false);
  m.state(td, 1, 2);
  if (td.refcount[(1 - (td.epoch % 2)) as 0 | 1] !== 0) refuse("PREVIOUS_TLB_EPOCH_BUSY");
  td.epoch += 1;
}

const LEAVES: Readonly<Record<string, PlainLeaf>> = {
  "TDH.MNG.CREATE": create,
  "TDH.MNG.KEY.CONFIG": keyConfig,
  "TDH.MNG.ADDCX": addcx,
  "TDH.MNG.INIT": init,
  "TDH.VP.CREATE": vpCreate,
  "TDH.VP.ADDCX": vpAddcx,
  "TDH.VP.INIT": vpInit,
  "TDH.VP.ENTER": enter,
  "TDH.VP.FLUSH": flush,
  "TDH.MNG.VPFLUSHDONE": vpflushdone,
  "TDH.MNG.KEY.FREEID": freeid,
  "TDH.MNG.KEY.RECLAIMID": () => {},
  "TDH.PHYMEM.CACHE.WB": cacheWb,
  "TDH.PHYMEM.PAGE.RDMD": rdmd,
  "TDH.PHYMEM.PAGE.WBINVD": wbinvd,
  "TDH.PHYMEM.PAGE.RECLAIM": reclaim,
  "TDH.MR.FINALIZE": finalize,
  "TDH.MEM.TRACK": track,
  ...PLAIN_SEPT_LEAVES,
};

/**
 * A second, slow model of the module, written from the ABI without looking at the first: every
 * page and entry on its own, every lock a record. What both get right is compared call by call.
 */
export class PlainModule extends PlainChecks {
  version = 0;

  /** Executes a leaf; the registers are written in place. Returns the status without `TDX_`. */
  seamcall(
    lp: number,
    leaf: string,
    version: number,
    r: PlainRegisters,
    environment: CallEnvironment,
  ): string {
    this.lp = lp;
    this.r = r;
    this.version = version;
    this.environment = environment;
    this.tests = 0;
    const isMultiVersion = ["TDH.MEM.SEPT.ADD", "TDH.MEM.PAGE.PROMOTE", "TDH.MEM.SEPT.REMOVE"];
    try {
      if (version > 0 && !isMultiVersion.includes(leaf)) refuse("OPERAND_INVALID|RAX");
      LEAVES[leaf]?.(this);
      return "SUCCESS";
    } catch (answer) {
      if (answer instanceof Answer) return answer.status;
      throw answer;
    } finally {
      this.callLocks.length = 0;
    }
  }

  /** TDG.MEM.PAGE.ACCEPT of the vCPU on `lp`; `TD_EXIT` when it leaves. */
  accept(lp: number, word: bigint): { status: string; outputs: bigint[] } {
    const { td } = this.guests[lp] as PlainVcpu;
    try {
      const { level, gpa } = this.pageInfo(td, word, 0, 1);
      const stop = this.descend(td, level, gpa);
      const { state } = stop.entry;
      const isTable = state === "NL_MAPPED" || state === "NL_BLOCKED";
      if (stop.level === level && isTable) refuse(`PAGE_SIZE_MISMATCH|LEVEL_${level}`);
      if (state === "MAPPED") refuse(`PAGE_ALREADY_ACCEPTED|LEVEL_${stop.level}`);
      if (stop.level === level && state === "PENDING") {
        td.sept.set(`${level}/${gpa / (KIB4 * 512 ** level)}`, { ...stop.entry, state: "MAPPED" });
        return { status: "SUCCESS", outputs: [] };
      }
      this.exit(lp);
      const shown = { FREE: 0, NL_BLOCKED: 0x81, BLOCKED: 1, PENDING: 2, PENDING_BLOCKED: 3 };
      const arch = shown[state as keyof typeof shown];
      const isLeaf = ["BLOCKED", "PENDING", "PENDING_BLOCKED"].includes(state);
      const info = level + stop.level * 8 + arch * 64 + (isLeaf ? 0x4000 : 0);
      return { status: "TD_EXIT", outputs: [48n, 2n, (BigInt(info) << 32n) | 1n, BigInt(gpa), 0n] };
    } catch (answer) {
      if (answer instanceof Answer) return { status: answer.status, outputs: [] };
      throw answer;
    }
  }

  exit(lp: number): void {
    const vcpu = this.guests[lp] as PlainVcpu;
    vcpu.state = "READY";
    vcpu.td.refcount[(vcpu.epoch % 2) as 0 | 1] -= 1;
    this.guests[lp] = null;
  }
}
