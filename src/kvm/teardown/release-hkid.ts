import type { Leaf } from "../../module/leaf.ts";
import { tdhMngKeyFreeid } from "../../module/leaves/tdh-mng-key-freeid.ts";
import { tdhMngVpflushdone } from "../../module/leaves/tdh-mng-vpflushdone.ts";
import { tdhPhymemCacheWb } from "../../module/leaves/tdh-phymem-cache-wb.ts";
import { tdhVpFlush } from "../../module/leaves/tdh-vp-flush.ts";
import { type Status, SUCCESS } from "../../module/status.ts";
import { isInGuest } from "../kick-vcpus.ts";
import { KvmLivelock, SPIN_LIMIT } from "../livelock.ts";
import { onePerPackage } from "../packages.ts";
import type { KvmHost, KvmVm } from "../vm.ts";
import { warn } from "./aftermath.ts";

/** RCX of TDH.PHYMEM.CACHE.WB. */
const START = 0;
const RESUME = 1;
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
  if (status === SUCCESS) returnHkid(host, vm);
  else leakHkid(vm, tdhMngKeyFreeid, status);
  yield* host.port.pause();
}

/** Steps 3 to 6; false when KVM gave up and the HKID stays assigned. */
function* flushVcpus(host: KvmHost, vm: KvmVm): Generator<void, boolean> {
  const { flushPasses } = vm.generation;
  for (let pass = 1; ; pass++) {
    for (const vcpu of vm.state.vcpus) {
      // VP.INIT gave it its LP; before, there is nothing to flush.
      if (vcpu.cpu === -1) continue;
      // The synchronous IPI takes a running vCPU out of the guest; VP.FLUSH runs in its handler.
      host.port.observer.hostWork("ipis", 1);
      if (isInGuest(host, vcpu)) host.guest.exit(vcpu.cpu);
      // VCPU_NOT_ASSOCIATED is ignored, other errors are warned of; nothing is tried again.
      const rcx = (vcpu.tdvpr as number) * 4096;
      const flushed = host.port.call(tdhVpFlush, vcpu.cpu, { rcx });
      if (flushed !== SUCCESS && flushed.name !== "TDX_VCPU_NOT_ASSOCIATED") {
        warn(vm, tdhVpFlush, flushed);
      }
      vcpu.cpu = -1;
      yield* host.port.pause();
    }
    const status = host.port.call(tdhMngVpflushdone, 0, { rcx: vm.tdrAddress });
    if (status === SUCCESS) {
      vm.state.hkidRelease = "flushed";
      yield* host.port.pause();
      return true;
    }
    if (status.name !== "TDX_FLUSHVP_NOT_DONE") {
      leakHkid(vm, tdhMngVpflushdone, status);
      return false;
    }
    if (pass >= flushPasses) {
      vm.state.leakedHkids.push(vm.state.hkid as number);
      return false;
    }
    if (pass >= SPIN_LIMIT) throw new KvmLivelock(tdhMngVpflushdone, status, pass);
    yield* host.port.pause();
  }
}

/** Step 7: on one LP of every package, resumed as long as interrupts break it off. */
function* writeBackCaches(host: KvmHost, vm: KvmVm): Generator<void, void> {
  const { state } = vm;
  const { cacheWbCalls } = vm.generation;
  for (const [index, lp] of onePerPackage(host).entries()) {
    if (index < state.packagesWrittenBack) continue;
    for (let made = 1; ; made++) {
      const rcx = state.isWriteBackInterrupted ? RESUME : START;
      const status = host.port.call(tdhPhymemCacheWb, lp, { rcx });
      state.isWriteBackInterrupted = status.name === "TDX_INTERRUPTED_RESUMABLE";
      if (state.isWriteBackInterrupted && made < cacheWbCalls) {
        if (made >= SPIN_LIMIT) throw new KvmLivelock(tdhPhymemCacheWb, status, made);
        yield* host.port.pause();
        continue;
      }
      // Nothing to write back counts as success; anything else is warned of and passed over.
      const isDone = status === SUCCESS || status.name === "TDX_NO_HKID_READY_TO_WBCACHE";
      if (!isDone) warn(vm, tdhPhymemCacheWb, status);
      break;
    }
    state.isWriteBackInterrupted = false;
    state.packagesWrittenBack = index + 1;
    yield* host.port.pause();
  }
}

/**
 * The HKID stays with the TD for good and is never handed out again. Whoever tries again begins
 * with the first step, and fails there in a TD that is blocked already.
 */
function leakHkid(vm: KvmVm, leaf: Leaf, status: Status): void {
  const { state } = vm;
  warn(vm, leaf, status);
  const hkid = state.hkid as number;
  if (!state.leakedHkids.includes(hkid)) state.leakedHkids.push(hkid);
  state.hkidRelease = "assigned";
  state.packagesWrittenBack = 0;
}

function returnHkid(host: KvmHost, vm: KvmVm): void {
  host.hkids.free(vm.state.hkid as number);
  vm.state.hkid = null;
  vm.state.hkidRelease = "released";
  vm.state.packagesWrittenBack = 0;
}
