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
import { blockStep, entryOperands, type FrameRange, type LeafRow, rowIn } from "./leaf-entries.ts";
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
    for (let row = rowIn(vm, level, range); row; row = rowIn(vm, level, range)) {
      yield* removeRow(host, vm, row);
    }
  }
  vm.state.zap = null;
  flushZapped(host, vm);
  yield* dropIdlePamt(host, vm);
}

function* removeRow(host: KvmHost, vm: KvmVm, row: LeafRow): Generator<void, void> {
  const frames = FRAMES_PER_ENTRY[row.level];
  const progress = new BodyProgress(vm.state.removal);
  try {
    yield* host.port.run(removalBody(host, vm, row), row.leaves, progress);
  } finally {
    vm.state.removal = progress.position;
    const { over } = progress;
    const entries = ((over - 1) * row.spacing) / frames + 1;
    if (over > 0) vm.memory.unmap(row.level, row.gfn, over, entries);
    const pages = progress.done * frames;
    if (vm.generation.flushes === "each-zap") keepUnflushed(vm, row.pfn, pages);
    else if (pages > 0) host.pages.memory.free(row.pfn, pages);
    if (row.level === 0) putPamt(host, vm, row.pfn, pages);
  }
  const { done, failure } = progress;
  if (failure === null) return;
  // KVM_BUG_ON: the page is neither freed nor mapped any more (V19-070).
  bug(vm, failure.leaf, failure.status);
  leak(vm, row.pfn + done * frames, frames, "private page");
}

/** The order in the code is BLOCK, TRACK, REMOVE, WBINVD; the patch text lists it otherwise. */
function removalBody(host: KvmHost, vm: KvmVm, row: LeafRow): BodyStep[] {
  const frames = FRAMES_PER_ENTRY[row.level];
  const { tracks, flushes } = vm.generation;
  const entry = entryOperands(vm, row, row.spacing);
  return [
    ...(tracks === "each-leaf"
      ? [
          blockStep(host, vm, row, row.spacing),
          ...(vm.state.isFinalized ? trackSteps(host, vm) : []),
        ]
      : []),
    takes({ leaf: tdhMemPageRemove, ...entry, retries: policyOf(host, vm, "pageRemove") }),
    ...(flushes === "each-page" ? [wbinvdStep(host, vm, row), ...clearStep(host, vm, frames)] : []),
  ];
}

/** One WBINVD for every 4 KiB, whatever the leaf's size (kvm-teardown 1.2). */
function wbinvdStep(host: KvmHost, vm: KvmVm, run: LeafRun): BodyStep {
  const frames = FRAMES_PER_ENTRY[run.level];
  const hkidBits = (vm.state.hkid as number) * 2 ** host.hkidShift;
  return takes({
    leaf: tdhPhymemPageWbinvd,
    lp: 0,
    rcx: run.pfn * PAGE_BYTES + hkidBits,
    rcxStride: frames * PAGE_BYTES,
    times: frames,
    innerStride: PAGE_BYTES,
    pageSize: run.level,
    retries: policyOf(host, vm, "pageWbinvd"),
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
    retries: policyOf(host, vm, "memTrack"),
  });
  const kick: BodyStep[] = [
    hostWork("vcpuKicks", vm.state.vcpus.length),
    { kind: "guest", run: () => leaveGuest(host, vm) },
  ];
  return vm.generation.kicks === "before-track" ? [...kick, track] : [track, ...kick];
}
