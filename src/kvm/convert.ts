import { failed, type IoctlResult } from "./kvm-error.ts";
import { splitAt } from "./split-leaf.ts";
import type { FrameRange } from "./teardown/leaf-entries.ts";
import { zapLeaves } from "./teardown/zap-leaves.ts";
import type { KvmHost, KvmVm } from "./vm.ts";
import { refusedIoctl } from "./vm-dead.ts";

const SET_MEMORY_ATTRIBUTES = "KVM_SET_MEMORY_ATTRIBUTES";
const PUNCH_HOLE = "fallocate(PUNCH_HOLE)";

/**
 * Private to shared conversion: the guest asked for it, user space says so with
 * KVM_SET_MEMORY_ATTRIBUTES, and KVM zaps the private leaves of the range one by one
 * (kvm-teardown C.1). Shared pages are none of the module's business.
 */
export function* convertToShared(
  host: KvmHost,
  vm: KvmVm,
  range: FrameRange,
): Generator<void, IoctlResult> {
  const refused = refusedIoctl(vm, SET_MEMORY_ATTRIBUTES);
  if (refused !== null) return refused;
  const error = yield* zapRange(host, vm, range, SET_MEMORY_ATTRIBUTES);
  if (error === null) vm.state.shared = add(vm.state.shared, range);
  return error;
}

/** Shared to private: no SEAMCALL. The guest's next touch is a fault like any other. */
export function convertToPrivate(vm: KvmVm, range: FrameRange): IoctlResult {
  const refused = refusedIoctl(vm, SET_MEMORY_ATTRIBUTES);
  if (refused === null) vm.state.shared = subtract(vm.state.shared, range);
  return refused;
}

/** A range of guest_memfd is given up: its private leaves are zapped (kvm-teardown C.1). */
export function* punchHole(
  host: KvmHost,
  vm: KvmVm,
  range: FrameRange,
): Generator<void, IoctlResult> {
  return yield* zapRange(host, vm, range, PUNCH_HOLE);
}

/** A leaf that reaches over an end of the range is split first; only leaves inside it go. */
function* zapRange(
  host: KvmHost,
  vm: KvmVm,
  range: FrameRange,
  phase: string,
): Generator<void, IoctlResult> {
  host.port.observer.phase(phase);
  for (const end of [range.from, range.to]) {
    const error = yield* splitAt(host, vm, end, phase);
    if (error !== null) return error;
  }
  yield* zapLeaves(host, vm, range, phase);
  return vm.state.isBugged ? failed(phase, "EIO", "a private page could not be removed") : null;
}

/** Ranges in ascending order that do not touch each other. */
export type FrameRanges = readonly FrameRange[];

function add(ranges: FrameRanges, range: FrameRange): FrameRange[] {
  const apart = ranges.filter(({ from, to }) => to < range.from || from > range.to);
  const joined = ranges.filter((each) => !apart.includes(each));
  const from = Math.min(range.from, ...joined.map((each) => each.from));
  const to = Math.max(range.to, ...joined.map((each) => each.to));
  return [...apart, { from, to }].sort((a, b) => a.from - b.from);
}

/** The ranges without what lies in `range`. */
export function subtract(ranges: FrameRanges, range: FrameRange): FrameRange[] {
  return ranges.flatMap(({ from, to }) => {
    const below = { from, to: Math.min(to, range.from) };
    const above = { from: Math.max(from, range.to), to };
    return [below, above].filter((each) => each.from < each.to);
  });
}
