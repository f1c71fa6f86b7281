import { tdhVpAddcx } from "../module/leaves/tdh-vp-addcx.ts";
import { tdhVpCreate } from "../module/leaves/tdh-vp-create.ts";
import { tdhVpEnter } from "../module/leaves/tdh-vp-enter.ts";
import { tdhVpInit } from "../module/leaves/tdh-vp-init.ts";
import { tdhVpWr } from "../module/leaves/tdh-vp-wr.ts";
import { type Status, SUCCESS } from "../module/status.ts";
import { giveBack, takeControlPages } from "./control-page.ts";
import { failed, type IoctlResult, type KvmError, seamcallFailed } from "./kvm-error.ts";
import type { SeamcallPort } from "./seamcall-port.ts";
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
/** Where the host keeps posted-interrupt descriptors, 64 bytes a vCPU, outside every TDMR. */
const PI_DESCRIPTORS = 0x20_0000n;

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

/** KVM_TDX_INIT_VCPU on the LP that the vCPU's thread runs on (V19-044). */
export function initVcpu(host: KvmHost, vm: KvmVm, vcpu: KvmVcpu): IoctlResult {
  host.port.observer.phase(INIT_VCPU);
  const { state } = vm;
  const refused = refusedIoctl(vm, INIT_VCPU);
  if (refused !== null) return refused;
  if (vcpu.isInitialized) return failed(INIT_VCPU, "EINVAL", "the vCPU is initialised already");
  if (state.hkid === null) return failed(INIT_VCPU, "EINVAL", "the TD has no HKID");
  if (state.isFinalized) return failed(INIT_VCPU, "EINVAL", "the TD is finalised");
  const pages = takeControlPages(host, vm, INIT_VCPU, 1 + state.shape.tdvpxPages);
  if ("errno" in pages) return pages;
  const error = buildVcpu(host, vm, vcpu, pages);
  if (error === null) vcpu.isInitialized = true;
  else {
    state.isBugged = true;
    giveBack(host, vm, pages.slice(vcpu.tdvpr === null ? 0 : 1 + vcpu.tdvpx.length));
  }
  return error;
}

function buildVcpu(
  { port, lpToPackage }: KvmHost,
  vm: KvmVm,
  vcpu: KvmVcpu,
  [tdvprPage, ...tdvpx]: readonly number[],
): IoctlResult {
  const lp = vcpu.index % lpToPackage.length;
  const tdvpr = (tdvprPage as number) * PAGE_BYTES;
  const created = port.call(tdhVpCreate, lp, { rcx: tdvpr, rdx: vm.tdrAddress });
  if (created !== SUCCESS) return seamcallFailed(INIT_VCPU, "EIO", tdhVpCreate, created);
  vcpu.tdvpr = tdvprPage as number;
  for (const page of tdvpx) {
    const status = port.call(tdhVpAddcx, lp, { rcx: page * PAGE_BYTES, rdx: tdvpr });
    if (status !== SUCCESS) return seamcallFailed(INIT_VCPU, "EIO", tdhVpAddcx, status);
    vcpu.tdvpx.push(page);
  }
  const init = port.call(tdhVpInit, lp, { rcx: tdvpr, rdx: 0 });
  if (init !== SUCCESS) return seamcallFailed(INIT_VCPU, "EIO", tdhVpInit, init);
  vcpu.cpu = lp;
  return setUpPostedInterrupts(port, vcpu, tdvpr);
}

/** Notification vector, descriptor address and the pin-based control bit, in this order (DEV). */
function setUpPostedInterrupts(port: SeamcallPort, vcpu: KvmVcpu, tdvpr: number): IoctlResult {
  const descriptor = PI_DESCRIPTORS + BigInt(vcpu.index) * 64n;
  const writes = [
    { field: 0x0002n, value: POSTED_INTR_VECTOR, mask: 0xffffn },
    { field: 0x2016n, value: descriptor, mask: 0xffff_ffff_ffff_ffffn },
    { field: 0x4000n, value: PIN_BASED_POSTED_INTR, mask: PIN_BASED_POSTED_INTR },
  ];
  for (const { field, value, mask } of writes) {
    const status = port.call(tdhVpWr, vcpu.cpu, {
      rcx: tdvpr,
      rdx: VCPU_CONTEXT | field,
      r8: value,
      r9: mask,
    });
    if (status !== SUCCESS) return seamcallFailed(INIT_VCPU, "EIO", tdhVpWr, status);
  }
  return null;
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
  const status = host.port.call(tdhVpEnter, lp, { rcx: tdvpr });
  if (status !== SUCCESS) return { exit: "KVM_EXIT_INTERNAL_ERROR", status };
  vcpu.cpu = lp;
  return { exit: "in-guest" };
}
