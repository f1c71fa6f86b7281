import {
  everyPackage,
  HKID_ASSIGNED,
  HKID_FLUSHED,
  HKID_FREE,
  HKID_RESERVED,
} from "./key-ownership.ts";
import type { TdxModule } from "./module.ts";
import { checkPages, type OwnedPages, pageName, type Report } from "./page-invariants.ts";
import { checkSepts } from "./sept-invariants.ts";
import { TDCS_PAGES_MIN, UNINITIALIZED } from "./tdcs.ts";
import { TD_BLOCKED, TD_HKID_ASSIGNED, TD_KEYS_CONFIGURED, TD_TEARDOWN, type Td } from "./tdr.ts";
import { NO_LP, VCPU_ACTIVE, VCPU_UNINITIALIZED, type Vcpu } from "./tdvps.ts";

/**
 * What must hold of the module's state after every SEAMCALL, as far as one state can tell: the
 * invariants I-1 to I-5, I-7 and I-8 of the reliability notes with what follows from them for
 * counts, epochs and locks. Works on runs. Returns the broken ones, none for a sound state.
 */
export function checkInvariants(m: TdxModule): string[] {
  const violations: string[] = [];
  const report: Report = (id, what) => violations.push(`${id}: ${what}`);
  const owned = checkPages(m, report);
  checkKeys(m, report);
  checkGuests(m, report);
  for (const td of m.tds.values()) {
    checkTd(m, td, report);
    checkVcpus(m, td, report);
    checkSepts(m, td, owned.get(td.page) as OwnedPages, report);
  }
  return violations;
}

/** I-4. An HKID stays its TD's until KEY.FREEID; caches hold it from VPFLUSHDONE to CACHE.WB. */
function checkKeys(m: TdxModule, report: Report): void {
  const { first, global } = m.platform.hkids;
  const holders = new Map<number, Td>();
  for (const td of m.tds.values()) {
    if (td.lifecycle === TD_TEARDOWN) continue;
    if (holders.has(td.hkid)) report("I-4", `HKID ${td.hkid} belongs to two TDs`);
    holders.set(td.hkid, td);
  }
  for (const [i, { state, wbinvdBitmap }] of m.kot.entries()) {
    const hkid = first + i;
    const holder = holders.get(hkid);
    if (state !== expectedKeyState(hkid === global, holder)) {
      report("I-4", `HKID ${hkid} is in state ${state}`);
    }
    if ((wbinvdBitmap & ~everyPackage(m.packages)) !== 0) {
      report("I-4", `HKID ${hkid} is in the caches of packages that are not there`);
    }
    if (wbinvdBitmap !== 0 && state !== HKID_FLUSHED) {
      report("I-4", `HKID ${hkid} is in caches and not FLUSHED`);
    }
  }
  for (const { doneBlocks, hkids } of m.cacheWriteBacks) {
    const isInterrupted = doneBlocks > 0 && doneBlocks < m.platform.cacheSubBlocks;
    if (isInterrupted !== hkids.length > 0) report("I-4", `${doneBlocks} blocks are written back`);
  }
}

function expectedKeyState(isGlobal: boolean, holder: Td | undefined): number {
  if (isGlobal) return HKID_RESERVED;
  if (holder === undefined) return HKID_FREE;
  return holder.lifecycle === TD_BLOCKED ? HKID_FLUSHED : HKID_ASSIGNED;
}

/** Whose vCPUs there are; the LPs in the guest, and the PAMT locks that they alone hold (ABI 4). */
function checkGuests(m: TdxModule, report: Report): void {
  for (const { page, td } of m.vcpus.values()) {
    if (m.tds.get(td.page) !== td) report("I-8", `vCPU ${pageName(page)} has no TD`);
  }
  let running = 0;
  for (const [lp, vcpu] of m.guests.entries()) {
    if (vcpu === null) continue;
    running++;
    if (vcpu.state !== VCPU_ACTIVE || vcpu.assocLp !== lp || m.vcpus.get(vcpu.page) !== vcpu) {
      report("I-5", `LP ${lp} runs vCPU ${pageName(vcpu.page)}, which is not ACTIVE there`);
    }
  }
  if (running !== m.runningVcpus) report("I-5", `${running} vCPUs run, ${m.runningVcpus} counted`);
  const { guestCount } = m.pamt.locks;
  if (running !== guestCount) report("locks", `${guestCount} guests hold locks, ${running} run`);
}

/** Lifecycle, key bits, control structure and OP_STATE belong together (ABI 8). */
function checkTd(m: TdxModule, td: Td, report: Report): void {
  const name = `TD ${pageName(td.page)}`;
  const { tdcs } = td;
  const keys = everyPackage(m.packages);
  const hasKeys = td.pkgConfigBitmap === keys;
  if (td.lifecycle === TD_HKID_ASSIGNED && hasKeys) report("I-6", `${name} has its keys already`);
  if (td.lifecycle === TD_KEYS_CONFIGURED && !hasKeys) report("I-6", `${name} has no keys`);
  if ((td.pkgConfigBitmap & ~keys) !== 0) report("I-6", `${name} has keys on no package`);
  if (td.lifecycle === TD_HKID_ASSIGNED && td.tdcxPages.length > 0) {
    report("I-6", `${name} has TDCX pages before its keys`);
  }
  const isInitialized = tdcs.opState !== UNINITIALIZED;
  if (isInitialized !== (td.sept !== null) || td.l2Septs.length !== tdcs.numL2Vms) {
    report("I-6", `${name} in OP_STATE ${tdcs.opState} has the wrong Secure EPTs`);
  }
  if (isInitialized && td.tdcxPages.length < TDCS_PAGES_MIN + tdcs.numL2Vms) {
    report("I-6", `${name} is initialised with ${td.tdcxPages.length} TDCX pages`);
  }
  if (isInitialized !== tdcs.tdEpoch > 0) report("I-12", `${name} is in epoch ${tdcs.tdEpoch}`);
}

/** I-5 with the TD's counts of vCPUs: initialised, associated, and inside by epoch. */
function checkVcpus(m: TdxModule, td: Td, report: Report): void {
  const name = `TD ${pageName(td.page)}`;
  const { tdcs } = td;
  const refcount: [number, number] = [0, 0];
  const indices = new Set<number>();
  let associated = 0;
  for (const vcpu of m.vcpus.values()) {
    if (vcpu.td !== td) continue;
    if (vcpu.assocLp !== NO_LP) associated++;
    if (vcpu.state !== VCPU_UNINITIALIZED) indices.add(vcpu.vcpuIndex);
    if (vcpu.state === VCPU_ACTIVE) refcount[(vcpu.vcpuEpoch & 1) as 0 | 1]++;
    checkVcpu(m, vcpu, report);
  }
  if (associated !== tdcs.numAssocVcpus) {
    report("I-5", `${name} has ${associated} associated vCPUs and counts ${tdcs.numAssocVcpus}`);
  }
  for (const parity of [0, 1] as const) {
    if (refcount[parity] === tdcs.refcount[parity]) continue;
    report("I-12", `${name} counts ${tdcs.refcount[parity]} vCPUs of epochs with parity ${parity}`);
  }
  // Later their TDVPRs are reclaimed, and NUM_VCPUS never goes down (ABI 11, 23).
  if (td.lifecycle === TD_TEARDOWN) return;
  if (indices.size !== tdcs.numVcpus || tdcs.numVcpus > tdcs.maxVcpus) {
    report("I-5", `${name} has ${indices.size} vCPUs, counts ${tdcs.numVcpus} of ${tdcs.maxVcpus}`);
  }
}

function checkVcpu(m: TdxModule, vcpu: Vcpu, report: Report): void {
  const name = `vCPU ${pageName(vcpu.page)}`;
  const { tdcs } = vcpu.td;
  if (vcpu.assocLp >= m.guests.length) report("I-5", `${name} is on LP ${vcpu.assocLp}`);
  const isAbsent = vcpu.state === VCPU_UNINITIALIZED || vcpu.td.lifecycle !== TD_KEYS_CONFIGURED;
  if (isAbsent && vcpu.assocLp !== NO_LP) report("I-5", `${name} is associated too early or late`);
  if (vcpu.state !== VCPU_ACTIVE) return;
  if (m.guests[vcpu.assocLp] !== vcpu) report("I-5", `${name} is ACTIVE and runs nowhere`);
  const age = tdcs.tdEpoch - vcpu.vcpuEpoch;
  if (age !== 0 && age !== 1) report("I-12", `${name} is in epoch ${vcpu.vcpuEpoch} still`);
}
