import { encodeTdParams } from "../module/encode-td-params.ts";
import { tdhMngAddcx } from "../module/leaves/tdh-mng-addcx.ts";
import { tdhMngCreate } from "../module/leaves/tdh-mng-create.ts";
import { tdhMngInit } from "../module/leaves/tdh-mng-init.ts";
import { tdhMngKeyConfig } from "../module/leaves/tdh-mng-key-config.ts";
import { tdhMngRd } from "../module/leaves/tdh-mng-rd.ts";
import { tdhMrFinalize } from "../module/leaves/tdh-mr-finalize.ts";
import { SUCCESS } from "../module/status.ts";
import { errnoOf, policyOf } from "./call-policy.ts";
import { giveBack, takeControlPages } from "./control-page.ts";
import { failed, type IoctlResult, type KvmError, seamcallFailed } from "./kvm-error.ts";
import { onePerPackage } from "./packages.ts";
import { leak } from "./teardown/aftermath.ts";
import { reclaimTd } from "./teardown/reclaim-control.ts";
import { releaseHkid } from "./teardown/release-hkid.ts";
import type { KvmHost, KvmVm } from "./vm.ts";
import { refusedIoctl } from "./vm-dead.ts";

const PAGE_BYTES = 4096;
const INIT_VM = "KVM_TDX_INIT_VM";
const FINALIZE_VM = "KVM_TDX_FINALIZE_VM";

/** Where the host keeps TD_PARAMS during INIT_VM: ordinary memory outside every TDMR. */
const TD_PARAMS_ADDRESS = 0x10_0000;
/** What KVM reads back after INIT (ABI 10.1): TSC_OFFSET, and since v6.16 TSC_MULTIPLIER too. */
const FIELDS_READ = [0x1110_0003_0000_000an, 0x1110_0003_0000_000bn] as const;
/** 2.5 GHz in units of 25 MHz; any legal value would do. */
const TSC_FREQUENCY = 100;

/** KVM_TDX_INIT_VM (kvm-teardown A.2; V16-020, V16-021). */
export function* initVm(host: KvmHost, vm: KvmVm): Generator<void, IoctlResult> {
  host.port.observer.phase(INIT_VM);
  const { state } = vm;
  const refused = refusedIoctl(vm, INIT_VM);
  if (refused !== null) return refused;
  if (state.hkid !== null) return failed(INIT_VM, "EINVAL", "the TD is initialised already");
  if (state.vcpus.length > 0) return failed(INIT_VM, "EBUSY", "a vCPU was created already");
  const hkid = host.hkids.alloc();
  if (hkid === null) return failed(INIT_VM, "ENOSPC", "every HKID for TDs is in use");
  const pages = takeControlPages(host, vm, INIT_VM, 1 + state.shape.tdcxPages);
  if ("errno" in pages) {
    host.hkids.free(hkid);
    return pages;
  }
  // KVM looks only at the HKID: a TD released before leaves its control pages behind (C.4, INFERRED).
  if (state.tdr !== null) leakControlPages(vm);
  state.hkid = hkid;
  state.hkidRelease = "assigned";
  const error = buildTd(host, vm, hkid, pages);
  if (error === null) return null;
  giveBack(host, vm, pages.slice(state.tdr === null ? 0 : 1 + state.tdcx.length));
  yield* releaseHkid(host, vm, INIT_VM);
  yield* reclaimTd(host, vm, INIT_VM);
  return error;
}

function buildTd(
  host: KvmHost,
  vm: KvmVm,
  hkid: number,
  [tdrPage, ...tdcx]: readonly number[],
): IoctlResult {
  const { port } = host;
  const { state } = vm;
  const tdr = (tdrPage as number) * PAGE_BYTES;
  const created = port.call({
    leaf: tdhMngCreate,
    lp: 0,
    rcx: tdr,
    rdx: hkid,
    retries: policyOf(host, vm, "mngCreate"),
  });
  if (created !== SUCCESS) return seamcallFailed(INIT_VM, "EIO", tdhMngCreate, created);
  state.tdr = tdrPage as number;
  state.isTdrReclaimed = false;
  for (const lp of onePerPackage(host)) {
    const status = port.call({
      leaf: tdhMngKeyConfig,
      lp,
      rcx: tdr,
      retries: policyOf(host, vm, "keyConfig"),
    });
    if (status !== SUCCESS) return seamcallFailed(INIT_VM, "EIO", tdhMngKeyConfig, status);
  }
  return addTdcx(host, vm, tdcx) ?? initTdcs(host, vm);
}

function addTdcx(host: KvmHost, vm: KvmVm, pages: readonly number[]): KvmError | null {
  for (const page of pages) {
    const status = host.port.call({
      leaf: tdhMngAddcx,
      lp: 0,
      rcx: page * PAGE_BYTES,
      rdx: vm.tdrAddress,
      retries: policyOf(host, vm, "mngAddcx"),
    });
    if (status !== SUCCESS) return seamcallFailed(INIT_VM, "EIO", tdhMngAddcx, status);
    vm.state.tdcx.push(page);
  }
  return null;
}

function initTdcs(host: KvmHost, vm: KvmVm): KvmError | null {
  const { port } = host;
  const { shape } = vm.state;
  const { hostMemory } = port.module;
  const params = encodeTdParams({
    attributes: 0n,
    xfam: 3n,
    maxVcpus: shape.maxVcpus,
    numL2Vms: 0,
    eptpControls: BigInt(6 | ((shape.septLevels - 1) << 3)),
    configFlags: 0n,
    tscFrequency: TSC_FREQUENCY,
  });
  hostMemory.write(TD_PARAMS_ADDRESS, params);
  const status = port.call({ leaf: tdhMngInit, lp: 0, rcx: vm.tdrAddress, rdx: TD_PARAMS_ADDRESS });
  hostMemory.forget(TD_PARAMS_ADDRESS);
  if (status !== SUCCESS) {
    const errno = status.name === "TDX_OPERAND_INVALID" ? "EINVAL" : "EIO";
    return seamcallFailed(INIT_VM, errno, tdhMngInit, status);
  }
  for (const field of FIELDS_READ.slice(0, vm.generation.mngRdCalls)) {
    const read = port.call({ leaf: tdhMngRd, lp: 0, rcx: vm.tdrAddress, rdx: field });
    if (read !== SUCCESS) return seamcallFailed(INIT_VM, "EIO", tdhMngRd, read);
  }
  return null;
}

function leakControlPages(vm: KvmVm): void {
  const { state } = vm;
  const pages = [state.tdr as number, ...state.tdcx];
  for (const pfn of pages) leak(vm, pfn, 1, "control page");
  state.tdr = null;
  state.tdcx = [];
}

/** KVM_TDX_FINALIZE_VM. */
export function finalizeVm(host: KvmHost, vm: KvmVm): IoctlResult {
  host.port.observer.phase(FINALIZE_VM);
  const { state } = vm;
  const refused = refusedIoctl(vm, FINALIZE_VM);
  if (refused !== null) return refused;
  if (state.hkid === null) return failed(FINALIZE_VM, "EINVAL", "the TD has no HKID");
  if (state.isFinalized) return failed(FINALIZE_VM, "EINVAL", "the TD is finalised already");
  const retries = policyOf(host, vm, "mrFinalize");
  const status = host.port.call({ leaf: tdhMrFinalize, lp: 0, rcx: vm.tdrAddress, retries });
  if (status !== SUCCESS) {
    return seamcallFailed(FINALIZE_VM, errnoOf(vm, "mrFinalize", status), tdhMrFinalize, status);
  }
  state.isFinalized = true;
  return null;
}
