import { tdhMemPageRemove } from "../../module/leaves/tdh-mem-page-remove.ts";
import { tdhMemRangeBlock } from "../../module/leaves/tdh-mem-range-block.ts";
import { tdhMemTrack } from "../../module/leaves/tdh-mem-track.ts";
import { tdhPhymemPageWbinvd } from "../../module/leaves/tdh-phymem-page-wbinvd.ts";
import { type BodyStep, hostWork, takes } from "../body.ts";
import { BodyProgress } from "../body-progress.ts";
import { FRAMES_PER_ENTRY, type LeafRun } from "../guest-memory.ts";
import type { KvmHost, KvmVm } from "../vm.ts";
import { bug, leak } from "./aftermath.ts";

const PAGE_BYTES = 4096;
const PHASE = "remove-private";

/**
 * Zaps every leaf while the HKID is assigned (kvm-teardown C.1): block, TLB shoot-down, remove,
 * cache flush, clear. Under mmu_lock write.
 */
export function* removeLeaves(host: KvmHost, vm: KvmVm): Generator<void, void> {
  host.port.observer.phase(PHASE);
  for (const level of [1, 0] as const) {
    for (let run = vm.memory.leavesFrom(level); run; run = vm.memory.leavesFrom(level)) {
      yield* removeRun(host, vm, run);
    }
  }
}

function* removeRun(host: KvmHost, vm: KvmVm, run: LeafRun): Generator<void, void> {
  const frames = FRAMES_PER_ENTRY[run.level];
  const progress = new BodyProgress(vm.state.removal);
  try {
    yield* host.port.run(removalBody(host, vm, run), run.leaves, progress);
  } finally {
    vm.state.removal = progress.position;
    if (progress.over > 0) vm.memory.unmap(run.level, run.gfn, progress.over);
    if (progress.done > 0) host.pages.memory.free(run.pfn, progress.done * frames);
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
  const { policies } = vm.generation;
  const entry = {
    lp: 0,
    rcx: run.gfn * PAGE_BYTES + run.level,
    rcxStride: frames * PAGE_BYTES,
    rdx: vm.tdrAddress,
    pageSize: run.level,
  };
  const hkidBits = (vm.state.hkid ?? 0) * 2 ** host.hkidShift;
  return [
    takes({ leaf: tdhMemRangeBlock, ...entry, ...policies.rangeBlock }),
    // tdx_track() returns early while the TD is not finalised: nobody is asked to flush (DEV).
    ...(vm.state.isFinalized ? trackSteps(host, vm) : []),
    takes({ leaf: tdhMemPageRemove, ...entry, ...policies.pageRemove }),
    takes({
      leaf: tdhPhymemPageWbinvd,
      lp: 0,
      rcx: run.pfn * PAGE_BYTES + hkidBits,
      rcxStride: frames * PAGE_BYTES,
      times: frames,
      innerStride: PAGE_BYTES,
      pageSize: run.level,
      ...policies.pageWbinvd,
    }),
    hostWork("pageClears4K", frames),
  ];
}

/** KVM_REQ_TLB_FLUSH to every vCPU, waited for, around a new TLB epoch. */
function trackSteps(host: KvmHost, vm: KvmVm): BodyStep[] {
  return [
    hostWork("vcpuKicks", vm.state.vcpus.length),
    { kind: "guest", run: () => kickOut(host, vm) },
    takes({ leaf: tdhMemTrack, lp: 0, rcx: vm.tdrAddress, ...vm.generation.policies.memTrack }),
  ];
}

function kickOut(host: KvmHost, vm: KvmVm): void {
  if (!host.guest.isAnyRunning()) return;
  for (const { cpu } of vm.state.vcpus) {
    if (cpu >= 0 && host.guest.isRunning(cpu)) host.guest.exit(cpu);
  }
}
