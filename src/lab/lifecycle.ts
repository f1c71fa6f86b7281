import type { GuestMemory } from "../kvm/guest-memory.ts";
import { initMemRegion } from "../kvm/init-mem-region.ts";
import { finalizeVm, initVm } from "../kvm/init-vm.ts";
import type { IoctlResult, KvmError } from "../kvm/kvm-error.ts";
import { KvmLivelock } from "../kvm/livelock.ts";
import { faultIn } from "../kvm/page-fault.ts";
import { createVcpu, initVcpus, refusedVcpu } from "../kvm/vcpu.ts";
import { KvmVm } from "../kvm/vm.ts";
import { Ledger } from "../ledger/ledger.ts";
import { Failure } from "../units/failure.ts";
import { PAGE_SIZE } from "../units/page.ts";
import { formatSize } from "../units/size.ts";
import { drive, type RunControl } from "./drive.ts";
import { generation } from "./kernels.ts";
import { segments } from "./layout.ts";
import { platformFor } from "./platform.ts";
import { setUpPort } from "./port-setup.ts";
import type { HostedTd, SimulatedHost } from "./simulated-host.ts";
import { PAGE_BYTES, type TdOptions } from "./td-options.ts";
import { reportTd, type TdReport } from "./td-report.ts";
import { hasHoles, unmapped } from "./unmapped-memory.ts";

/** Module 1.5.01 without L2 VMs (ABI 3.4). */
const TDCX_PAGES = 6;
const TDVPX_PAGES = 5;

/** What KVM answered, as a failure; `about` comes first in its message. */
export function refuse(error: KvmError, about = "", hint?: string): Failure {
  const { errno, leaf, status } = error;
  const message = `${about}${error.ioctl} failed with -${errno}: ${error.reason}`;
  return new Failure("refused", message, {
    hint,
    refusal: {
      errno,
      ...(leaf === undefined ? {} : { leaf }),
      ...(status === undefined ? {} : { status }),
    },
  });
}

function check(result: IoctlResult): void {
  if (result !== null) throw refuse(result);
}

/** Carries an ioctl out; one that never returns is told as refused. */
export async function carryOut(
  ioctl: Generator<void, IoctlResult>,
  control: RunControl,
  onChunk?: () => void,
): Promise<void> {
  try {
    check(await drive(ioctl, control, onChunk));
  } catch (error) {
    if (!(error instanceof KvmLivelock)) throw error;
    throw new Failure("refused", `the ioctl never returns: ${error.message}`, { cause: error });
  }
}

/** KVM_CREATE_VM for a TD of these options: no SEAMCALL, and the host does not know it yet. */
export function createVm(options: TdOptions): KvmVm {
  return KvmVm.create(generation(options.kernel), {
    maxVcpus: options.vcpus,
    memoryFrames: options.memoryBytes / PAGE_SIZE,
    septLevels: 4,
    tdcxPages: TDCX_PAGES,
    tdvpxPages: TDVPX_PAGES,
  });
}

/** The name stands for a VM already: asked to be initialised again, a live one says what KVM says. */
export function refuseTaken(host: SimulatedHost, { name, vm }: HostedTd): Failure {
  const hint = "choose another name, or remove all with tdx-sim reset";
  if (vm.state.hkid !== null) {
    const answer = initVm(host.kvm(new Ledger(), false), vm).next().value;
    if (answer) return refuse(answer, `TD ${name}: `, hint);
  }
  return new Failure("usage", `there is a TD ${name} already`, { hint });
}

/**
 * KVM_CREATE_VM, KVM_TDX_INIT_VM and the vCPUs.
 *
 * @throws Failure `refused` when KVM refuses, also a second INIT_VM for a name that a live TD has;
 *   `usage` when a TD of that name is gone or does not fit the host; RunStopped
 */
export async function createTd(
  host: SimulatedHost,
  name: string,
  options: TdOptions,
  control: RunControl = { step: false },
): Promise<TdReport> {
  return reportTd(host, await makeTd(host, name, options, control));
}

/** As {@link createTd}, for who has no use for a report. */
export async function makeTd(
  host: SimulatedHost,
  name: string,
  options: TdOptions,
  control: RunControl,
): Promise<HostedTd> {
  const taken = host.td(name);
  if (taken !== undefined) throw refuseTaken(host, taken);
  const own = onHost(host, options);
  const ledger = new Ledger();
  const { port } = await setUpPort(host, control);
  const kvm = host.kvm(ledger, control.step, port);
  const vm = createVm(options);
  await carryOut(initVm(kvm, vm), control);
  check(refusedVcpu(vm));
  for (let i = 0; i < options.vcpus; i++) createVcpu(vm);
  check(initVcpus(kvm, vm, vm.state.vcpus));
  const td: HostedTd = {
    name,
    options: own,
    vm,
    ledger,
    populatedPages: 0,
    tdrPage: vm.state.tdr,
    teardown: null,
  };
  host.add(td);
  return td;
}

/** The options as the host bears them out: a stored TD shares the host that the first one made. */
export function onHost(host: SimulatedHost, options: TdOptions): TdOptions {
  const { lpToPackage } = host.platform;
  const packages = Math.max(...lpToPackage) + 1;
  const lps = lpToPackage.length;
  if (options.platform !== null && !isOn(host, options)) {
    throw new Failure("usage", `the host is another one than platform ${options.platform.name}`, {
      hint: "TDs of one store share its host: use another --store or tdx-sim reset",
    });
  }
  const isOther =
    (options.packages !== 1 && options.packages !== packages) ||
    (options.lps !== null && options.lps !== lps);
  if (!isOther) return { ...options, packages };
  throw new Failure("usage", `the host has ${lps} LPs in ${packages} packages already`, {
    hint: "TDs of one store share its host: use another --store or tdx-sim reset",
  });
}

/** Whether the host is the platform that the options name. */
function isOn({ platform }: SimulatedHost, options: TdOptions): boolean {
  const { lpToPackage, ...machine } = platform;
  const { lpToPackage: lps, ...named } = platformFor(options);
  const sized = options.platform?.lps !== undefined;
  return (
    JSON.stringify(machine) === JSON.stringify(named) &&
    (!sized || lps.length === lpToPackage.length)
  );
}

/** How far a TD is populated. */
export interface PopulateRequest {
  /** Memory mapped afterwards, in bytes; what the TD was created for if absent. */
  readonly bytes?: number | undefined;
  /** False leaves the TD unfinalised: only its initial image is added. */
  readonly finalize?: boolean;
}

/**
 * The initial image, KVM_TDX_FINALIZE_VM and run-time faults up to the size asked for.
 *
 * @throws Failure `no-input`, `usage` for a size that is no whole page, `refused` as KVM refuses
 */
export async function populateTd(
  host: SimulatedHost,
  name: string,
  request: PopulateRequest = {},
  control: RunControl = { step: false },
): Promise<TdReport> {
  const td = requireTd(host, name);
  await fillTd(host, td, request, control);
  return reportTd(host, td);
}

/** As {@link populateTd}, for who has no use for a report. */
export async function fillTd(
  host: SimulatedHost,
  td: HostedTd,
  request: PopulateRequest,
  control: RunControl,
): Promise<void> {
  const { options, vm } = td;
  if (vm.state.isDestroyed || td.teardown !== null) throw refuseGone(td, "populate");
  const target = targetPages(td, request.bytes ?? options.populatedBytes);
  const { port } = await setUpPort(host, control);
  const kvm = host.kvm(td.ledger, control.step, port);
  const frames = PAGE_BYTES[options.pageSize] / PAGE_SIZE;
  const imagePages = options.initialImageBytes / PAGE_BYTES[options.pageSize];
  if (!vm.state.isFinalized) {
    for (const region of imageSegments(td, Math.min(target, imagePages), frames)) {
      const { gfn, pages } = withoutAdded(vm.memory, region);
      if (pages > 0) await carryOut(initMemRegion(kvm, vm, gfn, pages), control);
    }
    td.populatedPages = Math.max(td.populatedPages, Math.min(target, imagePages));
    if (request.finalize === false || !options.finalize) return;
    check(finalizeVm(kvm, vm));
  }
  const level = options.pageSize === "2M" ? 1 : 0;
  const tell = (): void => {
    const done = vm.memory.leafCount(level) + kvm.port.bodyDone;
    control.onProgress?.(done, target, "populate");
  };
  if (hasHoles(td)) {
    for (const touched of unmapped(td, 0, target)) {
      await carryOut(faultIn(kvm, vm, touched), control, tell);
    }
    td.populatedPages = Math.max(td.populatedPages, target);
    return;
  }
  for (const segment of segments(options.layout, td.populatedPages, target, frames)) {
    const { gfn, pages, spacing } = segment;
    const before = vm.memory.leafCount(level);
    try {
      const faults = faultIn(kvm, vm, { level, gfn, leaves: pages, spacing });
      await carryOut(faults, control, tell);
    } finally {
      td.populatedPages += vm.memory.leafCount(level) - before;
    }
  }
}

/** Guest frames that one KVM_TDX_INIT_MEM_REGION is asked to add. */
interface ImageRegion {
  readonly gfn: number;
  readonly pages: number;
}

/** The rest of a region, less what was added before a run was stopped: pages come in order. */
function withoutAdded(memory: GuestMemory, { gfn, pages }: ImageRegion): ImageRegion {
  const end = gfn + pages;
  let from = gfn;
  while (from < end) {
    const added = memory.leavesFrom(0, from);
    if (added?.gfn !== from) break;
    from = Math.min(end, from + added.leaves);
  }
  return { gfn: from, pages: end - from };
}

/** The initial image always has 4 KiB pages, wherever the TD's own pages lie. */
function imageSegments(td: HostedTd, target: number, frames: number): ImageRegion[] {
  const all = segments(td.options.layout, td.populatedPages, target, frames);
  return all.flatMap(({ gfn, pages, spacing }) =>
    spacing === frames
      ? [{ gfn, pages: pages * frames }]
      : Array.from({ length: pages }, (_, i) => ({ gfn: gfn + i * spacing, pages: frames })),
  );
}

function targetPages(td: HostedTd, bytes: number): number {
  const { memoryBytes, pageSize } = td.options;
  if (bytes % PAGE_BYTES[pageSize] !== 0) {
    throw new Failure("usage", `${bytes} bytes is not a multiple of ${pageSize}`);
  }
  const target = bytes / PAGE_BYTES[pageSize];
  const isFull =
    td.vm.state.isFinalized &&
    td.populatedPages * PAGE_BYTES[pageSize] === memoryBytes &&
    (!hasHoles(td) || unmapped(td, 0, td.populatedPages).length === 0);
  if (bytes <= memoryBytes && !isFull) return Math.max(target, td.populatedPages);
  const room = `${formatSize(memoryBytes)} of memory${isFull ? ", all of it populated" : ""}`;
  throw new Failure("refused", `KVM_RUN failed with -EFAULT: TD ${td.name} has ${room}`, {
    refusal: { errno: "EFAULT" },
  });
}

/** @throws Failure `no-input` */
export function requireTd(host: SimulatedHost, name: string): HostedTd {
  const td = host.td(name);
  if (td !== undefined) return td;
  throw new Failure("no-input", `there is no TD ${name}`, {
    hint: "tdx-sim list shows what there is",
  });
}

/** A TD that is gone has no file descriptor left to call. */
export function refuseGone(td: HostedTd, verb: string): Failure {
  const state = td.vm.state.isDestroyed ? "is destroyed" : "is half torn down";
  return new Failure("refused", `cannot ${verb} TD ${td.name}: it ${state} (-EIO)`, {
    hint: td.vm.state.isDestroyed ? "tdx-sim create makes a new one" : `tdx-sim destroy ${td.name}`,
    refusal: { errno: "EIO" },
  });
}
