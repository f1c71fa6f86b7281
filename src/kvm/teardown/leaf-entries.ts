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

/** Leaves of one level whose host pages follow each other, their guest frames evenly spaced. */
export interface LeafRow extends LeafRun {
  /** Guest frames from one leaf to the next. */
  readonly spacing: number;
}

/** Rows are not followed further: what is looked through is kept in mind until it is carried out. */
const LONGEST_ROW = 2 ** 16;

/**
 * The first leaves of a level in the range that can be worked on by one body: a run, or single
 * leaves with the same gap between them all.
 */
export function rowIn(vm: KvmVm, level: LeafLevel, range: FrameRange): LeafRow | null {
  const first = leavesIn(vm, level, range);
  if (first === null) return null;
  const frames = FRAMES_PER_ENTRY[level];
  let spacing = frames;
  let { leaves } = first;
  while (first.leaves === 1 && leaves < LONGEST_ROW) {
    const last = first.gfn + (leaves - 1) * spacing;
    const next = leavesIn(vm, level, { from: last + frames, to: range.to });
    if (next === null || next.leaves > 1 || next.pfn !== first.pfn + leaves * frames) break;
    if (leaves === 1) spacing = next.gfn - first.gfn;
    else if (next.gfn !== last + spacing) break;
    leaves++;
  }
  return { ...first, leaves, spacing };
}

/** Operands of the SEAMCALLs on the Secure EPT entries of these leaves, one after the other. */
export function entryOperands(vm: KvmVm, run: LeafRun, spacing = FRAMES_PER_ENTRY[run.level]) {
  return {
    lp: 0,
    rcx: run.gfn * PAGE_BYTES + run.level,
    rcxStride: spacing * PAGE_BYTES,
    rdx: vm.tdrAddress,
    pageSize: run.level,
  };
}

export function blockStep(host: KvmHost, vm: KvmVm, run: LeafRun, spacing?: number): BodyStep {
  const entry = entryOperands(vm, run, spacing);
  return takes({ leaf: tdhMemRangeBlock, ...entry, retries: policyOf(host, vm, "rangeBlock") });
}
