import { subtract } from "../kvm/convert.ts";
import { FRAMES_PER_ENTRY, type GuestMemory, type LeafLevel } from "../kvm/guest-memory.ts";
import type { FrameRange } from "../kvm/teardown/leaf-entries.ts";
import { PAGE_SIZE } from "../units/page.ts";
import { type Segment, segments } from "./layout.ts";
import type { HostedTd } from "./simulated-host.ts";
import { PAGE_BYTES } from "./td-options.ts";

/** Leaves that the guest has still to touch, `spacing` guest frames from one to the next. */
export interface Unmapped {
  readonly level: LeafLevel;
  readonly gfn: number;
  readonly leaves: number;
  readonly spacing: number;
}

/** Whether every page of the TD up to where it was populated is mapped. */
export function hasHoles({ vm, options, populatedPages }: HostedTd): boolean {
  const frames = PAGE_BYTES[options.pageSize] / PAGE_SIZE;
  const mapped = vm.memory.leafCount(0) + vm.memory.leafCount(1) * 512;
  return mapped < populatedPages * frames || vm.state.shared.length > 0;
}

/**
 * What is private and not mapped among the TD's pages `from` to `to` - 1: holes that were punched
 * or converted back. Frames whose 2 MiB leaf was split come back as leaves of 4 KiB.
 */
export function unmapped(td: HostedTd, from: number, to: number): Unmapped[] {
  const { options, vm } = td;
  const frames = PAGE_BYTES[options.pageSize] / PAGE_SIZE;
  const level = frames === 1 ? 0 : 1;
  return segments(options.layout, from, to, frames).flatMap((segment) => {
    const ranges = segment.spacing === frames ? [whole(segment, frames)] : pages(segment, frames);
    const left = ranges.flatMap((range) => privateGaps(vm.memory, vm.state.shared, range));
    return left.flatMap((range) => leavesFor(vm.memory, level, range));
  });
}

function whole({ gfn, pages: count }: Segment, frames: number): FrameRange {
  return { from: gfn, to: gfn + count * frames };
}

function pages({ gfn, pages: count, spacing }: Segment, frames: number): FrameRange[] {
  return Array.from({ length: count }, (_, i) => {
    const from = gfn + i * spacing;
    return { from, to: from + frames };
  });
}

/** The frames of a range that no leaf maps and that were not converted to shared. */
function privateGaps(
  memory: GuestMemory,
  shared: readonly FrameRange[],
  range: FrameRange,
): FrameRange[] {
  let gaps: FrameRange[] = [range];
  for (const taken of shared) gaps = subtract(gaps, taken);
  for (const level of [1, 0] as const)
    gaps = gaps.flatMap((gap) => withoutLeaves(memory, level, gap));
  return gaps;
}

function withoutLeaves(memory: GuestMemory, level: LeafLevel, range: FrameRange): FrameRange[] {
  const frames = FRAMES_PER_ENTRY[level];
  const gaps: FrameRange[] = [];
  let from = range.from;
  while (from < range.to) {
    const run = memory.leavesFrom(level, Math.floor(from / frames) * frames);
    if (run === null || run.gfn >= range.to) break;
    if (run.gfn > from) gaps.push({ from, to: run.gfn });
    from = Math.max(from, run.gfn + run.leaves * frames);
  }
  if (from < range.to) gaps.push({ from, to: range.to });
  return gaps;
}

/** The leaves that KVM maps for a gap: of the TD's page size where a whole one is free. */
function leavesFor(memory: GuestMemory, level: LeafLevel, { from, to }: FrameRange): Unmapped[] {
  if (level === 0) return [{ level, gfn: from, leaves: to - from, spacing: 1 }];
  const found: Unmapped[] = [];
  for (let at = from; at < to; ) {
    const { exists, frames: stretch } = memory.tablesFrom(at, 1);
    const end = Math.min(to, at + stretch);
    const first = Math.ceil(at / 512) * 512;
    const last = Math.floor(end / 512) * 512;
    if (exists || first >= last) found.push({ level: 0, gfn: at, leaves: end - at, spacing: 1 });
    else {
      if (first > at) found.push({ level: 0, gfn: at, leaves: first - at, spacing: 1 });
      found.push({ level: 1, gfn: first, leaves: (last - first) / 512, spacing: 512 });
      if (end > last) found.push({ level: 0, gfn: last, leaves: end - last, spacing: 1 });
    }
    at = end;
  }
  return found;
}
