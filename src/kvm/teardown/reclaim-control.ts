import { tdhPhymemPageReclaim } from "../../module/leaves/tdh-phymem-page-reclaim.ts";
import { tdhPhymemPageWbinvd } from "../../module/leaves/tdh-phymem-page-wbinvd.ts";
import { SUCCESS } from "../../module/status.ts";
import { policyOf } from "../call-policy.ts";
import { freeControlPage } from "../control-page.ts";
import type { KvmHost, KvmVm } from "../vm.ts";
import { leak, warn } from "./aftermath.ts";
import { clearPages } from "./clear-pages.ts";

const PAGE_BYTES = 4096;
const PHASE = "reclaim-control";

/**
 * vcpu_free (kvm-teardown C.3; D.1 step 4): TDVPX and TDVPR of every vCPU. With the HKID assigned
 * everything leaks.
 */
export function* reclaimVcpus(
  host: KvmHost,
  vm: KvmVm,
  phase: string = PHASE,
): Generator<void, void> {
  host.port.observer.phase(phase);
  for (const vcpu of vm.state.vcpus) {
    yield* reclaimAll(host, vm, vcpu.tdvpx);
    if (vcpu.tdvpr !== null) reclaimControlPage(host, vm, vcpu.tdvpr);
    vcpu.tdvpr = null;
    vcpu.isInitialized = false;
    yield* host.port.pause();
  }
}

/**
 * vm_free (kvm-teardown C.3; D.1 step 6): TDCX, then the TDR with one WBINVD under the module's own
 * HKID. With the HKID assigned everything leaks.
 */
export function* reclaimTd(host: KvmHost, vm: KvmVm, phase: string = PHASE): Generator<void, void> {
  host.port.observer.phase(phase);
  const { state } = vm;
  yield* reclaimAll(host, vm, state.tdcx);
  if (state.tdr === null) return;
  yield* reclaimTdr(host, vm, state.tdr);
  state.tdr = null;
}

function* reclaimTdr(host: KvmHost, vm: KvmVm, tdr: number): Generator<void, void> {
  const { state } = vm;
  if (!state.isTdrReclaimed && !tryReclaim(host, vm, tdr)) return;
  state.isTdrReclaimed = true;
  yield* host.port.pause();
  // The TDR is encrypted with the global HKID, which CACHE.WB did not write back.
  const status = host.port.call(tdhPhymemPageWbinvd, 0, {
    rcx: tdr * PAGE_BYTES + host.globalHkid * 2 ** host.hkidShift,
    ...policyOf(host, vm, "tdrWbinvd"),
  });
  if (status === SUCCESS) free(host, vm, tdr);
  else {
    warn(vm, tdhPhymemPageWbinvd, status);
    leak(vm, tdr, 1, "control page");
  }
}

/** Takes the pages off the list one by one, each when KVM is done with it. */
function* reclaimAll(host: KvmHost, vm: KvmVm, pages: number[]): Generator<void, void> {
  for (let pfn = pages[0]; pfn !== undefined; pfn = pages[0]) {
    reclaimControlPage(host, vm, pfn);
    pages.shift();
    yield* host.port.pause();
  }
}

function reclaimControlPage(host: KvmHost, vm: KvmVm, pfn: number): void {
  if (tryReclaim(host, vm, pfn)) free(host, vm, pfn);
}

function tryReclaim(host: KvmHost, vm: KvmVm, pfn: number): boolean {
  if (vm.state.hkid === null) {
    const operands = { rcx: pfn * PAGE_BYTES, ...policyOf(host, vm, "pageReclaim") };
    const status = host.port.call(tdhPhymemPageReclaim, 0, operands);
    if (status === SUCCESS) return true;
    warn(vm, tdhPhymemPageReclaim, status);
  }
  leak(vm, pfn, 1, "control page");
  return false;
}

function free(host: KvmHost, vm: KvmVm, pfn: number): void {
  clearPages(host, vm, 1);
  freeControlPage(host, vm, pfn);
}
