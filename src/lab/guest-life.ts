import { convertToPrivate, convertToShared, punchHole } from "../kvm/convert.ts";
import type { IoctlResult } from "../kvm/kvm-error.ts";
import type { FrameRange } from "../kvm/teardown/leaf-entries.ts";
import type { KvmHost, KvmVm } from "../kvm/vm.ts";
import { Failure } from "../units/failure.ts";
import { PAGE_SIZE } from "../units/page.ts";
import { formatSize } from "../units/size.ts";
import type { RunControl } from "./drive.ts";
import { carryOut, refuseGone, requireTd } from "./lifecycle.ts";
import { setUpPort } from "./port-setup.ts";
import type { SimulatedHost } from "./simulated-host.ts";
import { PAGE_BYTES, type TdOptions } from "./td-options.ts";
import { reportTd, type TdReport } from "./td-report.ts";

const FRAMES_2_GIB = 2 ** 19;

/** A part of a TD's memory, in bytes from its start whatever the layout; multiples of 4 KiB. */
export interface MemoryPart {
  readonly at: number;
  readonly bytes: number;
}

export interface ConvertRequest extends MemoryPart {
  /** What it becomes; shared memory can be made private again. */
  readonly to: "shared" | "private";
}

/**
 * Converts a part of the memory between private and shared (KVM_SET_MEMORY_ATTRIBUTES).
 *
 * @throws Failure `no-input`, `usage` for a part that the TD has not, `refused`; RunStopped
 */
export async function convertTd(
  host: SimulatedHost,
  name: string,
  request: ConvertRequest,
  control: RunControl = { step: false },
): Promise<TdReport> {
  return zap(host, name, request, control, (kvm, vm, range) =>
    request.to === "shared" ? convertToShared(kvm, vm, range) : convertBack(vm, range),
  );
}

/**
 * Gives up a part of the memory for now (fallocate with FALLOC_FL_PUNCH_HOLE on guest_memfd).
 *
 * @throws Failure as `convertTd`
 */
export async function punchTd(
  host: SimulatedHost,
  name: string,
  part: MemoryPart,
  control: RunControl = { step: false },
): Promise<TdReport> {
  return zap(host, name, part, control, punchHole);
}

// biome-ignore lint/correctness/useYield: it stands where the others give way
function* convertBack(vm: KvmVm, range: FrameRange): Generator<void, IoctlResult> {
  return convertToPrivate(vm, range);
}

async function zap(
  host: SimulatedHost,
  name: string,
  part: MemoryPart,
  control: RunControl,
  change: (kvm: KvmHost, vm: KvmVm, range: FrameRange) => Generator<void, IoctlResult>,
): Promise<TdReport> {
  const td = requireTd(host, name);
  const { options, vm } = td;
  if (vm.state.isDestroyed || td.teardown !== null) throw refuseGone(td, "change");
  checkPart(options, part);
  const { port } = await setUpPort(host, control);
  const kvm = host.kvm(td.ledger, control.step, port);
  for (const range of rangesOf(options, part)) await carryOut(change(kvm, vm, range), control);
  return reportTd(host, td);
}

function checkPart({ memoryBytes }: TdOptions, { at, bytes }: MemoryPart): void {
  if (at % PAGE_SIZE !== 0 || bytes % PAGE_SIZE !== 0 || bytes === 0) {
    throw new Failure("usage", "a part of memory is a multiple of 4 KiB, from such an offset on");
  }
  if (at + bytes > memoryBytes) {
    throw new Failure("usage", `the part ends beyond the memory of ${formatSize(memoryBytes)}`);
  }
}

/** Where in guest physical address space the part lies. */
function rangesOf(options: TdOptions, { at, bytes }: MemoryPart): FrameRange[] {
  const from = at / PAGE_SIZE;
  const to = (at + bytes) / PAGE_SIZE;
  switch (options.layout) {
    case "contiguous":
      return [{ from, to }];
    case "q35":
      return [
        { from, to: Math.min(to, FRAMES_2_GIB) },
        { from: Math.max(from, FRAMES_2_GIB) + FRAMES_2_GIB, to: to + FRAMES_2_GIB },
      ].filter((range) => range.from < range.to);
    case "alternate": {
      // Nothing is mapped between two pages, so one range holds them all.
      const frames = PAGE_BYTES[options.pageSize] / PAGE_SIZE;
      const gfn = (frame: number): number => frame + Math.floor(frame / frames) * frames;
      return [{ from: gfn(from), to: gfn(to - 1) + 1 }];
    }
  }
}
