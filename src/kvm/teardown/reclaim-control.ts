import { tdhPhymemPageReclaim } from "../../module/leaves/tdh-phymem-page-reclaim.ts";
import { tdhPhymemPageWbinvd } from "../../module/leaves/tdh-phymem-page-wbinvd.ts";
import { SUCCESS } from "../../module/status.ts";
import { type BodyStep, takes } from "../body.ts";
import { type BodyPosition, BodyProgress } from "../body-progress.ts";
import { policyOf } from "../call-policy.ts";
import { freeControlPages } from "../control-page.ts";
import type { KvmHost, KvmVcpu, KvmVm } from "../vm.ts";
import { leak, warn } from "./aftermath.ts";
import { clearPages, clearStep } from "./clear-pages.ts";

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
  const { vcpus, hkid } = vm.state;
  for (let i = 0; i < vcpus.length; ) {
    const row = hkid === null ? rowOf(vcpus, i) : [];
    if (row.length > 0) i += yield* reclaimRow(host, vm, row);
    else {
      const vcpu = vcpus[i] as KvmVcpu;
      yield* reclaimAll(host, vm, vcpu.tdvpx);
      if (vcpu.tdvpr !== null) reclaimControlPage(host, vm, vcpu.tdvpr);
      noteFreed(vcpu, vcpu.tdvpx.length + 1);
      yield* host.port.pause();
      i++;
    }
  }
}

/**
 * vCPUs from number `from` on that can be reclaimed by one body: each has its TDVPX right after its
 * TDVPR, as many as the others, and they follow each other. None where pages are gone already.
 */
export function rowOf(vcpus: readonly KvmVcpu[], from: number): KvmVcpu[] {
  const row: KvmVcpu[] = [];
  const { tdvpr: first, tdvpx } = vcpus[from] as KvmVcpu;
  const pages = tdvpx.length + 1;
  if (first === null || pages === 1) return row;
  for (let i = from; i < vcpus.length; i++) {
    const vcpu = vcpus[i] as KvmVcpu;
    const tdvpr = first + row.length * pages;
    const isNext = vcpu.tdvpr === tdvpr && vcpu.tdvpx.length === pages - 1;
    if (!isNext || !vcpu.tdvpx.every((page, k) => page === tdvpr + 1 + k)) break;
    row.push(vcpu);
  }
  return row;
}

/** Reclaims these vCPUs up to one that keeps a page; how many are over. */
function* reclaimRow(host: KvmHost, vm: KvmVm, row: readonly KvmVcpu[]): Generator<void, number> {
  const { tdvpr, tdvpx } = row[0] as KvmVcpu;
  const first = tdvpr as number;
  const pages = tdvpx.length + 1;
  const progress = new BodyProgress({ step: 0, time: 0 });
  try {
    yield* host.port.run(rowBody(host, vm, first, pages), row.length, progress);
  } finally {
    const { done } = progress;
    for (const vcpu of row.slice(0, done)) noteFreed(vcpu, pages);
    if (done > 0) freeControlPages(host, vm, first, done * pages);
    const started = row[done];
    if (started !== undefined) freeFirst(host, vm, started, progress.failure ?? progress);
  }
  const { done, failure } = progress;
  if (failure === null) return done;
  const started = row[done] as KvmVcpu;
  // Warned of and leaked; the caller goes on with the next page of this vCPU.
  const page = started.tdvpx[0] ?? (started.tdvpr as number);
  warn(vm, failure.leaf, failure.status);
  leak(vm, page, 1, "control page");
  noteFreed(started, 1);
  return done;
}

/** TDVPX, then the TDVPR before them, each with its clear. */
function rowBody(host: KvmHost, vm: KvmVm, tdvpr: number, pages: number): BodyStep[] {
  const leaf = tdhPhymemPageReclaim;
  const rcx = tdvpr * PAGE_BYTES;
  const rcxStride = pages * PAGE_BYTES;
  const retries = policyOf(host, vm, "pageReclaim");
  const [times, innerStride] = [pages - 1, PAGE_BYTES];
  return [
    takes({ leaf, lp: 0, rcx: rcx + PAGE_BYTES, rcxStride, times, innerStride, retries }),
    ...clearStep(host, vm, times),
    takes({ leaf, lp: 0, rcx, rcxStride, retries }),
    ...clearStep(host, vm, 1),
  ];
}

/** Where the body of a row ended in the middle of a vCPU: the pages up to there are KVM's again. */
function freeFirst(host: KvmHost, vm: KvmVm, vcpu: KvmVcpu, { step, time }: BodyPosition): void {
  const { tdvpx, tdvpr } = vcpu;
  const tdvprStep = 1 + clearStep(host, vm, 1).length;
  const all = step > tdvprStep ? 1 : 0;
  const pages = step === 0 ? time : tdvpx.length + all;
  clearPages(host, vm, step > 1 ? all : pages);
  for (const page of [...tdvpx, tdvpr as number].slice(0, pages)) freeControlPages(host, vm, page);
  noteFreed(vcpu, pages);
}

function noteFreed(vcpu: KvmVcpu, pages: number): void {
  if (pages > vcpu.tdvpx.length) {
    vcpu.tdvpr = null;
    vcpu.isInitialized = false;
  }
  vcpu.tdvpx = vcpu.tdvpx.slice(pages);
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
  const status = host.port.call({
    leaf: tdhPhymemPageWbinvd,
    lp: 0,
    rcx: tdr * PAGE_BYTES + host.globalHkid * 2 ** host.hkidShift,
    retries: policyOf(host, vm, "tdrWbinvd"),
  });
  if (status === SUCCESS) free(host, vm, tdr);
  else {
    warn(vm, tdhPhymemPageWbinvd, status);
    leak(vm, tdr, 1, "control page");
  }
}

/** Takes the pages off the list, each when KVM is done with it. */
function* reclaimAll(host: KvmHost, vm: KvmVm, pages: number[]): Generator<void, void> {
  for (let pfn = pages[0]; pfn !== undefined; pfn = pages[0]) {
    if (vm.state.hkid === null) yield* reclaimConsecutive(host, vm, pages);
    else {
      leak(vm, pfn, 1, "control page");
      pages.shift();
    }
    yield* host.port.pause();
  }
}

/** The first pages of the list that follow each other, up to one that is not given back. */
function* reclaimConsecutive(host: KvmHost, vm: KvmVm, pages: number[]): Generator<void, void> {
  const first = pages[0] as number;
  const gap = pages.findIndex((pfn, i) => pfn !== first + i);
  const progress = new BodyProgress();
  const body = [
    takes({
      leaf: tdhPhymemPageReclaim,
      lp: 0,
      rcx: first * PAGE_BYTES,
      rcxStride: PAGE_BYTES,
      retries: policyOf(host, vm, "pageReclaim"),
    }),
    ...clearStep(host, vm, 1),
  ];
  try {
    yield* host.port.run(body, gap < 0 ? pages.length : gap, progress);
  } finally {
    if (progress.done > 0) freeControlPages(host, vm, first, progress.done);
    pages.splice(0, progress.over);
  }
  const { failure } = progress;
  if (failure === null) return;
  warn(vm, failure.leaf, failure.status);
  leak(vm, first + progress.done, 1, "control page");
}

function reclaimControlPage(host: KvmHost, vm: KvmVm, pfn: number): void {
  if (tryReclaim(host, vm, pfn)) free(host, vm, pfn);
}

function tryReclaim(host: KvmHost, vm: KvmVm, pfn: number): boolean {
  if (vm.state.hkid === null) {
    const retries = policyOf(host, vm, "pageReclaim");
    const rcx = pfn * PAGE_BYTES;
    const status = host.port.call({ leaf: tdhPhymemPageReclaim, lp: 0, rcx, retries });
    if (status === SUCCESS) return true;
    warn(vm, tdhPhymemPageReclaim, status);
  }
  leak(vm, pfn, 1, "control page");
  return false;
}

function free(host: KvmHost, vm: KvmVm, pfn: number): void {
  clearPages(host, vm, 1);
  freeControlPages(host, vm, pfn);
}
