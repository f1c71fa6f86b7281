import type { Leaf } from "../../module/leaf.ts";
import { tdhMngKeyFreeid } from "../../module/leaves/tdh-mng-key-freeid.ts";
import { tdhMngVpflushdone } from "../../module/leaves/tdh-mng-vpflushdone.ts";
import { tdhPhymemCacheWb } from "../../module/leaves/tdh-phymem-cache-wb.ts";
import { tdhVpFlush } from "../../module/leaves/tdh-vp-flush.ts";
import { type Status, SUCCESS } from "../../module/status.ts";
import { hostWork, takes } from "../body.ts";
import { BodyProgress } from "../body-progress.ts";
import { isInGuest } from "../kick-vcpus.ts";
import { KvmLivelock, SPIN_LIMIT } from "../livelock.ts";
import { onePerPackage } from "../packages.ts";
import type { KvmHost, KvmVcpu, KvmVm } from "../vm.ts";
import { warn } from "./aftermath.ts";

/** RCX of TDH.PHYMEM.CACHE.WB. */
const START = 0;
const RESUME = 1;
const PAGE_BYTES = 4096;
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
  const status = host.port.call({ leaf: tdhMngKeyFreeid, lp: 0, rcx: vm.tdrAddress });
  if (status === SUCCESS) returnHkid(host, vm);
  else leakHkid(vm, tdhMngKeyFreeid, status);
  yield* host.port.pause();
}

/** Steps 3 to 6; false when KVM gave up and the HKID stays assigned. */
function* flushVcpus(host: KvmHost, vm: KvmVm): Generator<void, boolean> {
  const { flushPasses } = vm.generation;
  for (let pass = 1; ; pass++) {
    yield* flushLoaded(host, vm);
    const status = host.port.call({ leaf: tdhMngVpflushdone, lp: 0, rcx: vm.tdrAddress });
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

/** An IPI to the LP of every vCPU that was loaded on one: VP.INIT gave it its first. */
function* flushLoaded(host: KvmHost, vm: KvmVm): Generator<void, void> {
  const { vcpus } = vm.state;
  for (let i = 0; i < vcpus.length; ) {
    const isLoaded = (vcpus[i] as KvmVcpu).cpu !== -1;
    i += isLoaded ? yield* flushRow(host, vm, rowOf(host, vcpus, i)) : 1;
  }
}

/**
 * vCPUs from number `from` on that can be flushed by one body: TDVPR pages and LPs follow each
 * other evenly. One that is in the guest begins a row.
 */
function rowOf(host: KvmHost, vcpus: readonly KvmVcpu[], from: number): KvmVcpu[] {
  const first = vcpus[from] as KvmVcpu;
  const stride = strideOf(first, vcpus[from + 1]);
  const row = [first];
  for (let i = from + 1; i < vcpus.length; i++) {
    const vcpu = vcpus[i] as KvmVcpu;
    const isNext =
      vcpu.cpu === first.cpu + row.length &&
      vcpu.tdvpr === (first.tdvpr as number) + row.length * stride;
    if (!isNext || isInGuest(host, vcpu)) break;
    row.push(vcpu);
  }
  return row;
}

/** Pages from the TDVPR of one vCPU to that of the next; 0 where there is none. */
function strideOf({ tdvpr }: KvmVcpu, next: KvmVcpu | undefined): number {
  return next?.tdvpr == null ? 0 : next.tdvpr - (tdvpr as number);
}

/** Flushes these vCPUs up to one where VP.FLUSH fails, which is passed over; how many are over. */
function* flushRow(host: KvmHost, vm: KvmVm, row: readonly KvmVcpu[]): Generator<void, number> {
  const first = row[0] as KvmVcpu;
  // The synchronous IPI takes a running vCPU out of the guest; VP.FLUSH runs in its handler.
  if (isInGuest(host, first)) host.guest.exit(first.cpu);
  const body = [
    hostWork("ipis", 1),
    takes({
      leaf: tdhVpFlush,
      lp: first.cpu,
      lpStride: 1,
      rcx: (first.tdvpr as number) * PAGE_BYTES,
      rcxStride: strideOf(first, row[1]) * PAGE_BYTES,
    }),
  ];
  const progress = new BodyProgress({ step: 0, time: 0 });
  try {
    yield* host.port.run(body, row.length, progress);
  } finally {
    const isNextFlushed = progress.step === body.length;
    for (const vcpu of row.slice(0, progress.over + (isNextFlushed ? 1 : 0))) vcpu.cpu = -1;
  }
  const { failure } = progress;
  // VCPU_NOT_ASSOCIATED is ignored, other errors are warned of; nothing is tried again.
  if (failure !== null && failure.status.name !== "TDX_VCPU_NOT_ASSOCIATED") {
    warn(vm, failure.leaf, failure.status);
  }
  return progress.over;
}

/** Step 7: on one LP of every package, resumed as long as interrupts break it off. */
function* writeBackCaches(host: KvmHost, vm: KvmVm): Generator<void, void> {
  const { state } = vm;
  const { cacheWbCalls } = vm.generation;
  for (const [index, lp] of onePerPackage(host).entries()) {
    if (index < state.packagesWrittenBack) continue;
    for (let made = 1; ; made++) {
      const rcx = state.isWriteBackInterrupted ? RESUME : START;
      const status = host.port.call({ leaf: tdhPhymemCacheWb, lp: lp, rcx });
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
