import { tdhMngKeyFreeid } from "../../module/leaves/tdh-mng-key-freeid.ts";
import { tdhMngVpflushdone } from "../../module/leaves/tdh-mng-vpflushdone.ts";
import { tdhPhymemCacheWb } from "../../module/leaves/tdh-phymem-cache-wb.ts";
import { tdhVpFlush } from "../../module/leaves/tdh-vp-flush.ts";
import { SUCCESS } from "../../module/status.ts";
import { onePerPackage } from "../packages.ts";
import { SPIN_LIMIT } from "../seamcall-port.ts";
import type { KvmHost, KvmVm } from "../vm.ts";

const PHASE = "release-hkid";

/**
 * `tdx_mmu_release_hkid` (kvm-teardown C.2): flush every vCPU, write the caches back once a
 * package, give the HKID back. Progress is kept in the VM, so that an interrupted release goes on.
 */
export function* releaseHkid(
  host: KvmHost,
  vm: KvmVm,
  phase: string = PHASE,
): Generator<void, void> {
  host.port.observer.phase(phase);
  const { state } = vm;
  if (state.hkid === null) return;
  if (state.tdr === null) {
    returnHkid(host, vm);
    return;
  }
  if (state.hkidRelease === "assigned" && !(yield* flushVcpus(host, vm))) return;
  yield* writeBackCaches(host, vm);
  const status = host.port.call(tdhMngKeyFreeid, 0, { rcx: vm.tdrAddress });
  // A failure is warned of: the HKID is leaked and never used again.
  if (status === SUCCESS) returnHkid(host, vm);
}

/** Steps 3 to 6; false when KVM gave up and the HKID stays assigned. */
function* flushVcpus(host: KvmHost, vm: KvmVm): Generator<void, boolean> {
  const passes = Math.min(vm.generation.flushPasses, SPIN_LIMIT);
  for (let pass = 0; pass < passes; pass++) {
    for (const vcpu of vm.state.vcpus) {
      if (vcpu.cpu === -1) continue;
      // The synchronous IPI takes a running vCPU out of the guest; VP.FLUSH runs in its handler.
      host.port.observer.hostWork("ipis", 1);
      if (host.guest.isRunning(vcpu.cpu)) host.guest.exit(vcpu.cpu);
      if (vcpu.isInitialized) {
        // VCPU_NOT_ASSOCIATED is ignored, other errors are warned of; nothing is tried again.
        host.port.call(tdhVpFlush, vcpu.cpu, { rcx: (vcpu.tdvpr as number) * 4096 });
      }
      vcpu.cpu = -1;
    }
    const status = host.port.call(tdhMngVpflushdone, 0, { rcx: vm.tdrAddress });
    if (status === SUCCESS) {
      vm.state.hkidRelease = "flushed";
      return true;
    }
    if (status.name !== "TDX_FLUSHVP_NOT_DONE") return false;
    yield;
  }
  return false;
}

/** Step 7: on one LP of every package, resumed as long as interrupts break it off. */
function* writeBackCaches(host: KvmHost, vm: KvmVm): Generator<void, void> {
  const { state } = vm;
  const calls = Math.min(vm.generation.cacheWbCalls, SPIN_LIMIT);
  for (const [index, lp] of onePerPackage(host).entries()) {
    if (index < state.packagesWrittenBack) continue;
    let status = host.port.call(tdhPhymemCacheWb, lp, { rcx: 0 });
    for (let made = 1; made < calls && status.name === "TDX_INTERRUPTED_RESUMABLE"; made++) {
      status = host.port.call(tdhPhymemCacheWb, lp, { rcx: 1 });
    }
    // NO_HKID_READY_TO_WBCACHE counts as success, anything else is warned of and passed over.
    state.packagesWrittenBack = index + 1;
    yield;
  }
}

function returnHkid(host: KvmHost, vm: KvmVm): void {
  host.hkids.free(vm.state.hkid as number);
  vm.state.hkid = null;
  vm.state.hkidRelease = "released";
  vm.state.packagesWrittenBack = 0;
}
