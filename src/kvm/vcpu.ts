import { tdhVpAddcx } from "../module/leaves/tdh-vp-addcx.ts";
import { tdhVpCreate } from "../module/leaves/tdh-vp-create.ts";
import { tdhVpEnter } from "../module/leaves/tdh-vp-enter.ts";
import { tdhVpInit } from "../module/leaves/tdh-vp-init.ts";
import { tdhVpWr } from "../module/leaves/tdh-vp-wr.ts";
import { type Status, SUCCESS } from "../module/status.ts";
import { type SeamcallStep, takes } from "./body.ts";
import { type BodyPosition, BodyProgress } from "./body-progress.ts";
import {
  atOnce,
  freeControlPages,
  giveBack,
  takeControlPages,
  takeControlRow,
} from "./control-page.ts";
import { failed, type IoctlResult, type KvmError, seamcallFailed } from "./kvm-error.ts";
import type { KvmHost, KvmVcpu, KvmVm } from "./vm.ts";
import { refusedIoctl } from "./vm-dead.ts";

const PAGE_BYTES = 4096;
const CREATE_VCPU = "KVM_CREATE_VCPU";
const INIT_VCPU = "KVM_TDX_INIT_VCPU";
const RUN = "KVM_RUN";

/** VP.WR field ids are VMCS encodings with the vCPU context in bits 54:52 (ABI, VP.WR). */
const VCPU_CONTEXT = 2n << 52n;
/** Vector the kernel reserves for posted interrupts. */
const POSTED_INTR_VECTOR = 0xf2n;
const PIN_BASED_POSTED_INTR = 0x80n;
/** Where the host keeps posted-interrupt descriptors, outside every TDMR, and what each takes. */
const PI_DESCRIPTORS = 0x20_0000n;
const PI_DESCRIPTOR_BYTES = 64;

/**
 * Whether KVM_CREATE_VCPU is refused: v16 to v19 do not look at the TD's state, v6.16 wants it
 * initialised (kvm-teardown A.2). Null where the vCPU may be created.
 */
export function refusedVcpu(vm: KvmVm): KvmError | null {
  const errno = vm.generation.createVcpuNeedsTd;
  if (errno !== null && vm.state.hkid === null) {
    return failed(CREATE_VCPU, errno, "the TD is not initialised");
  }
  return refusedIoctl(vm, CREATE_VCPU);
}

/** KVM_CREATE_VCPU after {@link refusedVcpu} had nothing against it: no SEAMCALL. */
export function createVcpu(vm: KvmVm): KvmVcpu {
  const vcpu: KvmVcpu = {
    index: vm.state.vcpus.length,
    tdvpr: null,
    tdvpx: [],
    isInitialized: false,
    cpu: -1,
  };
  vm.state.vcpus.push(vcpu);
  return vcpu;
}

/**
 * KVM_TDX_INIT_VCPU of these vCPUs one after the other, each on the LP that its thread runs on
 * (V19-044), up to the first that fails.
 */
export function initVcpus(host: KvmHost, vm: KvmVm, vcpus: readonly KvmVcpu[]): IoctlResult {
  for (let done = 0; done < vcpus.length; ) {
    const left = vcpus.slice(done);
    host.port.observer.phase(INIT_VCPU);
    const refused = refusedInit(vm, left[0] as KvmVcpu);
    if (refused !== null) return refused;
    const pages = takeVcpuPages(host, vm, rowLength(host, left));
    if ("errno" in pages) return pages;
    const error = buildVcpus(host, vm, left, pages);
    if (error !== null) {
      vm.state.isBugged = true;
      return error;
    }
    done += pages.count;
  }
  return null;
}

function refusedInit(vm: KvmVm, vcpu: KvmVcpu): KvmError | null {
  const { state } = vm;
  const refused = refusedIoctl(vm, INIT_VCPU);
  if (refused !== null) return refused;
  if (vcpu.isInitialized) return failed(INIT_VCPU, "EINVAL", "the vCPU is initialised already");
  if (state.hkid === null) return failed(INIT_VCPU, "EINVAL", "the TD has no HKID");
  if (state.isFinalized) return failed(INIT_VCPU, "EINVAL", "the TD is finalised");
  return null;
}

/** vCPUs from the first on that follow each other, as do their LPs, and are not made yet. */
function rowLength(host: KvmHost, vcpus: readonly KvmVcpu[]): number {
  const lps = host.lpToPackage.length;
  const { index: first } = vcpus[0] as KvmVcpu;
  const isNext = ({ index, isInitialized }: KvmVcpu, i: number): boolean =>
    !isInitialized && index === first + i && (i === 0 || index % lps !== 0);
  const end = vcpus.findIndex((vcpu, i) => !isNext(vcpu, i));
  return end < 0 ? vcpus.length : end;
}

/** Host pages of some vCPUs: TDVPR and TDVPX of the first, those of the others right after. */
interface VcpuPages {
  readonly first: readonly number[];
  readonly count: number;
}

/** Pages for as many of `most` vCPUs as can have them in a row. */
function takeVcpuPages(host: KvmHost, vm: KvmVm, most: number): VcpuPages | KvmError {
  const each = 1 + vm.state.shape.tdvpxPages;
  const row = takeControlRow(host, vm, INIT_VCPU, each, most);
  if (row === null) {
    const pages = takeControlPages(host, vm, INIT_VCPU, each);
    return "errno" in pages ? pages : { first: pages, count: 1 };
  }
  if ("errno" in row) return row;
  return { first: Array.from({ length: each }, (_, i) => row.page + i), count: row.count };
}

function buildVcpus(
  host: KvmHost,
  vm: KvmVm,
  vcpus: readonly KvmVcpu[],
  { first, count }: VcpuPages,
): IoctlResult {
  const progress = new BodyProgress();
  const each = first.length;
  const lp = (vcpus[0] as KvmVcpu).index % host.lpToPackage.length;
  const body = vcpuBody(vm, vcpus[0] as KvmVcpu, first, lp);
  atOnce(host.port.run(body, count, progress));
  const { done, failure } = progress;
  const pagesOf = (i: number): number[] => first.map((page) => page + i * each);
  for (let i = 0; i < done; i++) {
    const vcpu = vcpus[i] as KvmVcpu;
    notePages(vcpu, pagesOf(i));
    vcpu.cpu = lp + i;
    vcpu.isInitialized = true;
  }
  if (failure === null) return null;
  const vcpu = vcpus[done] as KvmVcpu;
  const pages = pagesOf(done);
  const given = callsBefore(body, failure);
  if (given > 0) notePages(vcpu, pages.slice(0, given));
  if (failure.leaf === tdhVpWr) vcpu.cpu = lp + done;
  giveBack(host, vm, pages.slice(given));
  const unused = (count - done - 1) * each;
  if (unused > 0) freeControlPages(host, vm, (first[0] as number) + (done + 1) * each, unused);
  return seamcallFailed(INIT_VCPU, "EIO", failure.leaf, failure.status);
}

/** Calls of a vCPU that succeeded before its body ended: the first of them took a page each. */
function callsBefore(body: readonly SeamcallStep[], { step, time }: BodyPosition): number {
  return body.slice(0, step).reduce((calls, { times }) => calls + times, time);
}

function notePages(vcpu: KvmVcpu, pages: readonly number[]): void {
  vcpu.tdvpr = pages[0] as number;
  vcpu.tdvpx = pages.slice(1);
}

/**
 * The SEAMCALLs that make a vCPU, and then one after the other: VP.CREATE, VP.ADDCX for each page,
 * VP.INIT; notification vector, descriptor address and pin-based control bit, in this order (DEV).
 */
function vcpuBody(vm: KvmVm, vcpu: KvmVcpu, pages: readonly number[], lp: number): SeamcallStep[] {
  const stride = pages.length * PAGE_BYTES;
  const tdvpr = (pages[0] as number) * PAGE_BYTES;
  const all = { lp, lpStride: 1, rcxStride: stride, isOfNewVcpu: true };
  const every = { ...all, rcx: tdvpr };
  const write = { ...every, leaf: tdhVpWr };
  const descriptor = PI_DESCRIPTORS + BigInt(vcpu.index * PI_DESCRIPTOR_BYTES);
  return [
    takes({ ...every, leaf: tdhVpCreate, rdx: vm.tdrAddress }),
    ...stretches(pages.slice(1)).map(({ page, times }) =>
      takes({
        ...all,
        leaf: tdhVpAddcx,
        rcx: page * PAGE_BYTES,
        times,
        innerStride: PAGE_BYTES,
        rdx: tdvpr,
        rdxStride: stride,
      }),
    ),
    takes({ ...every, leaf: tdhVpInit }),
    takes({ ...write, rdx: VCPU_CONTEXT | 0x0002n, r8: POSTED_INTR_VECTOR, r9: 0xffffn }),
    takes({
      ...write,
      rdx: VCPU_CONTEXT | 0x2016n,
      r8: descriptor,
      r8Stride: PI_DESCRIPTOR_BYTES,
      r9: 0xffff_ffff_ffff_ffffn,
    }),
    takes({
      ...write,
      rdx: VCPU_CONTEXT | 0x4000n,
      r8: PIN_BASED_POSTED_INTR,
      r9: PIN_BASED_POSTED_INTR,
    }),
  ];
}

/** Pages that follow each other, as first pages and lengths. */
function stretches(pages: readonly number[]): { page: number; times: number }[] {
  const found: { page: number; times: number }[] = [];
  for (const page of pages) {
    const last = found.at(-1);
    if (last !== undefined && last.page + last.times === page) last.times++;
    else found.push({ page, times: 1 });
  }
  return found;
}

/**
 * Whether KVM_RUN is refused before VP.ENTER. In v16 to v19 the state of the TD is no reason
 * (kvm-teardown C.4, INFERRED), in v6.16 it must be finalised (kvm-teardown A.2).
 */
export function refusedRun(vm: KvmVm, vcpu: KvmVcpu): KvmError | null {
  const refused = refusedIoctl(vm, RUN);
  if (refused !== null) return refused;
  if (!vcpu.isInitialized) return failed(RUN, "EINVAL", "the vCPU is not initialised");
  if (vm.generation.runNeedsFinalized && !vm.state.isFinalized) {
    return failed(RUN, "EINVAL", "the TD is not finalised");
  }
  return null;
}

/** How KVM_RUN ended before the guest had a say. */
export type RunResult =
  | { readonly exit: "in-guest" }
  | { readonly exit: "KVM_EXIT_INTERNAL_ERROR"; readonly status: Status };

/**
 * KVM_RUN as far as the entry, after {@link refusedRun} had nothing against it: the vCPU is in the
 * guest until {@link GuestSide.exit}, or VP.ENTER failed and user space sees an unexpected exit
 * with the status in data[0] (C.4, INFERRED).
 */
export function runVcpu(host: KvmHost, vcpu: KvmVcpu): RunResult {
  host.port.observer.phase(RUN);
  const lp = vcpu.index % host.lpToPackage.length;
  const tdvpr = (vcpu.tdvpr as number) * PAGE_BYTES;
  // The thread of this vCPU preempts the one whose vCPU was in the guest there.
  host.guest.exit(lp);
  const status = host.port.call({ leaf: tdhVpEnter, lp: lp, rcx: tdvpr });
  if (status !== SUCCESS) return { exit: "KVM_EXIT_INTERNAL_ERROR", status };
  vcpu.cpu = lp;
  return { exit: "in-guest" };
}
