import { tdhMemRangeBlock } from "../../module/leaves/tdh-mem-range-block.ts";
import { type BodyStep, takes } from "../body.ts";
import { policyOf } from "../call-policy.ts";
import { FRAMES_PER_ENTRY, type LeafLevel, type LeafRun } from "../guest-memory.ts";
import type { KvmHost, KvmVm } from "../vm.ts";

const PAGE_BYTES = 4096;

/** Guest frames from `from` up to and without `to`. */
export interface FrameRange {
  readonly from: number;
  readonly to: number;
}

export const ALL_FRAMES: FrameRange = { from: 0, to: Number.POSITIVE_INFINITY };

/** The first leaves of a level in the range that follow each other in guest and host memory. */
export function leavesIn(vm: KvmVm, level: LeafLevel, { from, to }: FrameRange): LeafRun | null {
  const frames = FRAMES_PER_ENTRY[level];
  const run = vm.memory.leavesFrom(level, Math.ceil(from / frames) * frames);
  if (run === null || run.gfn + run.leaves * frames <= to) return run;
  const leaves = Math.floor((to - run.gfn) / frames);
  return leaves > 0 ? { ...run, leaves } : null;
}

/** Operands of the SEAMCALLs on the Secure EPT entries of these leaves, one after the other. */
export function entryOperands(vm: KvmVm, run: LeafRun) {
  return {
    lp: 0,
    rcx: run.gfn * PAGE_BYTES + run.level,
    rcxStride: FRAMES_PER_ENTRY[run.level] * PAGE_BYTES,
    rdx: vm.tdrAddress,
    pageSize: run.level,
  };
}

export function blockStep(host: KvmHost, vm: KvmVm, run: LeafRun): BodyStep {
  const entry = entryOperands(vm, run);
  return takes({ leaf: tdhMemRangeBlock, ...entry, ...policyOf(host, vm, "rangeBlock") });
}
