import { tdhMemTrack } from "../../module/leaves/tdh-mem-track.ts";
import { SUCCESS } from "../../module/status.ts";
import { BodyProgress } from "../body-progress.ts";
import { policyOf } from "../call-policy.ts";
import { FRAMES_PER_ENTRY, type LeafRun } from "../guest-memory.ts";
import { kickVcpus, leaveGuest } from "../kick-vcpus.ts";
import { onePerPackage } from "../packages.ts";
import type { KvmHost, KvmVm, Zap } from "../vm.ts";
import { bug, leak } from "./aftermath.ts";
import { clearPages } from "./clear-pages.ts";
import { blockStep, type FrameRange, leavesIn } from "./leaf-entries.ts";

/**
 * What-if `batch-track`: blocks every leaf of the range, then begins one TLB epoch for all. The
 * module allows it because BLOCK notes the epoch in each page, and one TRACK with all vCPUs out
 * afterwards makes every one of these notes old enough (ABI 5). As in C.1, a leaf whose BLOCK fails
 * is given up at once, and where the TRACK fails so are all.
 */
export function* blockAndTrack(host: KvmHost, vm: KvmVm, range: FrameRange): Generator<void, void> {
  const { state } = vm;
  let zap: Zap = state.zap ?? { level: 1, from: range.from, isTracked: false };
  if (zap.isTracked || (state.zap === null && isEmpty(vm, range))) return;
  for (;;) {
    const { level }: Zap = zap;
    const run = leavesIn(vm, level, { from: zap.from, to: range.to });
    if (run === null && level === 1) zap = { level: 0, from: range.from, isTracked: false };
    else if (run === null) break;
    else {
      const progress = new BodyProgress();
      try {
        yield* host.port.run([blockStep(host, vm, run)], run.leaves, progress);
      } finally {
        const next = run.gfn + progress.over * FRAMES_PER_ENTRY[level];
        zap = { level, from: next, isTracked: false };
        state.zap = zap;
      }
      const { done, failure } = progress;
      if (failure !== null) {
        const before = done * FRAMES_PER_ENTRY[level];
        bug(vm, failure.leaf, failure.status);
        giveUp(vm, { level, gfn: run.gfn + before, pfn: run.pfn + before, leaves: 1 });
      }
    }
  }
  trackOnce(host, vm, range);
  state.zap = { level: 0, from: 0, isTracked: true };
  yield* host.port.pause();
}

function isEmpty(vm: KvmVm, range: FrameRange): boolean {
  return leavesIn(vm, 1, range) === null && leavesIn(vm, 0, range) === null;
}

/** KVM_BUG_ON: these pages are neither freed nor mapped any more (V19-070). */
function giveUp(vm: KvmVm, { level, gfn, pfn, leaves }: LeafRun): void {
  vm.memory.unmap(level, gfn, leaves);
  leak(vm, pfn, leaves * FRAMES_PER_ENTRY[level], "private page");
}

function trackOnce(host: KvmHost, vm: KvmVm, range: FrameRange): void {
  if (!vm.state.isFinalized) return;
  kickVcpus(host, vm);
  const retries = policyOf(host, vm, "memTrack");
  const status = host.port.call({ leaf: tdhMemTrack, lp: 0, rcx: vm.tdrAddress, retries });
  leaveGuest(host, vm);
  if (status === SUCCESS) return;
  bug(vm, tdhMemTrack, status);
  for (const level of [1, 0] as const) {
    for (let run = leavesIn(vm, level, range); run; run = leavesIn(vm, level, range)) {
      giveUp(vm, run);
    }
  }
}

/** What-if `batch-wbinvd`: these pages were removed, their lines are still in the caches. */
export function keepUnflushed(vm: KvmVm, pfn: number, pages: number): void {
  if (pages === 0) return;
  const { unflushed } = vm.state;
  const last = unflushed.at(-1);
  if (last !== undefined && last.pfn + last.pages === pfn) last.pages += pages;
  else unflushed.push({ pfn, pages });
}

/**
 * The other half of `batch-wbinvd`: the host's own WBINVD on one LP of every package, then the
 * clear. No SEAMCALL flushes a range: PAGE.WBINVD takes one page and CACHE.WB only HKIDs whose TD
 * is blocked (ABI 7). The module does not look whether a free page was flushed.
 */
export function flushZapped(host: KvmHost, vm: KvmVm): void {
  const { unflushed } = vm.state;
  if (unflushed.length === 0) return;
  host.port.observer.hostWork("ipis", onePerPackage(host).length);
  for (const { pfn, pages } of unflushed.splice(0)) {
    clearPages(host, vm, pages);
    host.pages.memory.free(pfn, pages);
  }
}
