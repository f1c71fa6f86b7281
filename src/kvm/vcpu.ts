import { tdhVpAddcx } from "../module/leaves/tdh-vp-addcx.ts";
import { tdhVpCreate } from "../module/leaves/tdh-vp-create.ts";
import { tdhVpEnter } from "../module/leaves/tdh-vp-enter.ts";
import { tdhVpInit } from "../module/leaves/tdh-vp-init.ts";
import { tdhVpWr } from "../module/leaves/tdh-vp-wr.ts";
import { type Status, SUCCESS } from "../module/status.ts";
import { failed, type IoctlResult, seamcallFailed } from "./kvm-error.ts";
import type { KvmHost, KvmVcpu, KvmVm } from "./vm.ts";

const PAGE_BYTES = 4096;
const INIT_VCPU = "KVM_TDX_INIT_VCPU";

/** VP.WR field ids are VMCS encodings with the vCPU context in bits 54:52 (ABI, VP.WR). */
const VCPU_CONTEXT = 2n << 52n;
/** Vector the kernel reserves for posted interrupts. */
const POSTED_INTR_VECTOR = 0xf2n;
const PIN_BASED_POSTED_INTR = 0x80n;
/** Where the host keeps posted-interrupt descriptors, 64 bytes a vCPU, outside every TDMR. */
const PI_DESCRIPTORS = 0x20_0000n;

/** KVM_CREATE_VCPU: no SEAMCALL and, in v16 to v19, no look at the TD's state (kvm-teardown A.2). */
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
  if (vcpu.isInitialized) return failed(INIT_VCPU, "EINVAL", "the vCPU is initialised already");
  if (state.hkid === null) return failed(INIT_VCPU, "EINVAL", "the TD has no HKID");
  if (state.isFinalized) return failed(INIT_VCPU, "EINVAL", "the TD is finalised");
  const lp = vcpu.index % host.lpToPackage.length;
  const error = buildVcpu(host, vm, vcpu, lp);
  if (error === null) vcpu.isInitialized = true;
  else if (error.errno === "EIO") state.isBugged = true;
  return error;
}

function buildVcpu(host: KvmHost, vm: KvmVm, vcpu: KvmVcpu, lp: number): IoctlResult {
  const { port } = host;
  const { control } = host.pages;
  const page = control.alloc(1);
  if (page === null) return failed(INIT_VCPU, "ENOMEM", "no host page for the TDVPR");
  const tdvpr = page.page * PAGE_BYTES;
  const created = port.call(tdhVpCreate, lp, { rcx: tdvpr, rdx: vm.tdrAddress });
  if (created !== SUCCESS) {
    control.free(page.page, 1);
    return seamcallFailed(INIT_VCPU, "EIO", tdhVpCreate, created);
  }
  vcpu.tdvpr = page.page;
  for (let i = 0; i < vm.state.shape.tdvpxPages; i++) {
    const tdvpx = control.alloc(1);
    if (tdvpx === null) return failed(INIT_VCPU, "ENOMEM", "no host page for the TDVPS");
    const status = port.call(tdhVpAddcx, lp, { rcx: tdvpx.page * PAGE_BYTES, rdx: tdvpr });
    if (status !== SUCCESS) {
      control.free(tdvpx.page, 1);
      return seamcallFailed(INIT_VCPU, "EIO", tdhVpAddcx, status);
    }
    vcpu.tdvpx.push(tdvpx.page);
  }
  const init = port.call(tdhVpInit, lp, { rcx: tdvpr, rdx: 0 });
  if (init !== SUCCESS) return seamcallFailed(INIT_VCPU, "EIO", tdhVpInit, init);
  vcpu.cpu = lp;
  return setUpPostedInterrupts(host, vcpu, lp);
}

/** Notification vector, descriptor address and the pin-based control bit, in this order (DEV). */
function setUpPostedInterrupts(host: KvmHost, vcpu: KvmVcpu, lp: number): IoctlResult {
  const descriptor = PI_DESCRIPTORS + BigInt(vcpu.index) * 64n;
  const writes = [
    { field: 0x0002n, value: POSTED_INTR_VECTOR, mask: 0xffffn },
    { field: 0x2016n, value: descriptor, mask: 0xffff_ffff_ffff_ffffn },
    { field: 0x4000n, value: PIN_BASED_POSTED_INTR, mask: PIN_BASED_POSTED_INTR },
  ];
  for (const { field, value, mask } of writes) {
    const status = host.port.call(tdhVpWr, lp, {
      rcx: (vcpu.tdvpr as number) * PAGE_BYTES,
      rdx: VCPU_CONTEXT | field,
      r8: value,
      r9: mask,
    });
    if (status !== SUCCESS) return seamcallFailed(INIT_VCPU, "EIO", tdhVpWr, status);
  }
  return null;
}

/** How KVM_RUN ended before the guest had a say. */
export type RunResult =
  | { readonly exit: "in-guest" }
  | { readonly exit: "KVM_EXIT_INTERNAL_ERROR"; readonly status: Status };

/**
 * KVM_RUN as far as the entry: the vCPU is in the guest until {@link GuestSide.exit}, or VP.ENTER
 * failed and user space sees an unexpected exit with the status in data[0] (C.4, INFERRED).
 */
export function runVcpu(host: KvmHost, vcpu: KvmVcpu): RunResult {
  host.port.observer.phase("KVM_RUN");
  const lp = vcpu.index % host.lpToPackage.length;
  const tdvpr = (vcpu.tdvpr ?? 0) * PAGE_BYTES;
  const status = host.port.call(tdhVpEnter, lp, { rcx: tdvpr });
  if (status !== SUCCESS) return { exit: "KVM_EXIT_INTERNAL_ERROR", status };
  vcpu.cpu = lp;
  return { exit: "in-guest" };
}
