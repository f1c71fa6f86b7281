import { tdhMemPageRemove } from "../../module/leaves/tdh-mem-page-remove.ts";
import { tdhMemTrack } from "../../module/leaves/tdh-mem-track.ts";
import { tdhPhymemPageWbinvd } from "../../module/leaves/tdh-phymem-page-wbinvd.ts";
import { type BodyStep, hostWork, takes } from "../body.ts";
import { BodyProgress } from "../body-progress.ts";
import { policyOf } from "../call-policy.ts";
import { dropIdlePamt, putPamt } from "../dynamic-pamt.ts";
import { FRAMES_PER_ENTRY, type LeafRun } from "../guest-memory.ts";
import { leaveGuest, takeLp0 } from "../kick-vcpus.ts";
import type { KvmHost, KvmVm } from "../vm.ts";
import { bug, leak } from "./aftermath.ts";
import { clearStep } from "./clear-pages.ts";
import { blockStep, entryOperands, type FrameRange, leavesIn } from "./leaf-entries.ts";
import { blockAndTrack, flushZapped, keepUnflushed } from "./zap-at-once.ts";

const PAGE_BYTES = 4096;

/**
 * Zaps the leaves of a range while the HKID is assigned (kvm-teardown C.1, D.1 step 2): block, TLB
 * shoot-down, remove, cache flush, clear. Under mmu_lock write. A leaf that reaches out of the
 * range has to be split before.
 */
export function* removeLeaves(
  host: KvmHost,
  vm: KvmVm,
  range: FrameRange,
  phase: string,
): Generator<void, void> {
  host.port.observer.phase(phase);
  takeLp0(host);
  if (vm.generation.tracks === "each-zap") yield* blockAndTrack(host, vm, range);
  for (const level of [1, 0] as const) {
    for (let run = leavesIn(vm, level, range); run; run = leavesIn(vm, level, range)) {
      yield* removeRun(host, vm, run);
    }
  }
  vm.state.zap = null;
  flushZapped(host, vm);
  yield* dropIdlePamt(host, vm);
}

function* removeRun(host: KvmHost, vm: KvmVm, run: LeafRun): Generator<void, void> {
  const frames = FRAMES_PER_ENTRY[run.level];
  const progress = new BodyProgress(vm.state.removal);
  try {
    yield* host.port.run(removalBody(host, vm, run), run.leaves, progress);
  } finally {
    vm.state.removal = progress.position;
    if (progress.over > 0) vm.memory.unmap(run.level, run.gfn, progress.over);
    const pages = progress.done * frames;
    if (vm.generation.flushes === "each-zap") keepUnflushed(vm, run.pfn, pages);
    else if (pages > 0) host.pages.memory.free(run.pfn, pages);
    if (run.level === 0) putPamt(host, vm, run.pfn, pages);
  }
  const { done, failure } = progress;
  if (failure === null) return;
  // KVM_BUG_ON: the page is neither freed nor mapped any more (V19-070).
  bug(vm, failure.leaf, failure.status);
  leak(vm, run.pfn + done * frames, frames, "private page");
}

/** The order in the code is BLOCK, TRACK, REMOVE, WBINVD; the patch text lists it otherwise. */
function removalBody(host: KvmHost, vm: KvmVm, run: LeafRun): BodyStep[] {
  const frames = FRAMES_PER_ENTRY[run.level];
  const { tracks, flushes } = vm.generation;
  const entry = entryOperands(vm, run);
  return [
    ...(tracks === "each-leaf"
      ? [blockStep(host, vm, run), ...(vm.state.isFinalized ? trackSteps(host, vm) : [])]
      : []),
    takes({ leaf: tdhMemPageRemove, ...entry, ...policyOf(host, vm, "pageRemove") }),
    ...(flushes === "each-page" ? [wbinvdStep(host, vm, run), ...clearStep(host, vm, frames)] : []),
  ];
}

/** One WBINVD for every 4 KiB, whatever the leaf's size (kvm-teardown 1.2). */
function wbinvdStep(host: KvmHost, vm: KvmVm, run: LeafRun): BodyStep {
  const frames = FRAMES_PER_ENTRY[run.level];
  const hkidBits = (vm.state.hkid ?? 0) * 2 ** host.hkidShift;
  return takes({
    leaf: tdhPhymemPageWbinvd,
    lp: 0,
    rcx: run.pfn * PAGE_BYTES + hkidBits,
    rcxStride: frames * PAGE_BYTES,
    times: frames,
    innerStride: PAGE_BYTES,
    pageSize: run.level,
    ...policyOf(host, vm, "pageWbinvd"),
  });
}

/**
 * A new TLB epoch, with a request to every vCPU that is waited for: before it in v16 (C.1), after
 * it upstream (D.1). tdx_track() returns early while the TD is not finalized (DEV).
 */
export function trackSteps(host: KvmHost, vm: KvmVm): BodyStep[] {
  const track = takes({
    leaf: tdhMemTrack,
    lp: 0,
    rcx: vm.tdrAddress,
    ...policyOf(host, vm, "memTrack"),
  });
  const kick: BodyStep[] = [
    hostWork("vcpuKicks", vm.state.vcpus.length),
    { kind: "guest", run: () => leaveGuest(host, vm) },
  ];
  return vm.generation.kicks === "before-track" ? [...kick, track] : [track, ...kick];
}
