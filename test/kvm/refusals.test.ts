import { describe, expect, it } from "vitest";
import { convertToPrivate, convertToShared } from "../../src/kvm/convert.ts";
import { initMemRegion } from "../../src/kvm/init-mem-region.ts";
import { finalizeVm, initVm } from "../../src/kvm/init-vm.ts";
import type { KvmError } from "../../src/kvm/kvm-error.ts";
import { faultIn } from "../../src/kvm/page-fault.ts";
import { releaseVm } from "../../src/kvm/teardown/destroy.ts";
import { terminateVm } from "../../src/kvm/teardown/terminate-vm.ts";
import { initVcpus, refusedRun, refusedVcpu } from "../../src/kvm/vcpu.ts";
import type { KvmHost, KvmVcpu, KvmVm } from "../../src/kvm/vm.ts";
import { recorded } from "../support/faulty-td.ts";
import { kvmOf, returned, vmOf } from "../support/kvm-side.ts";
import { built, type Stage } from "../support/td-vm.ts";

type Ioctl = (kvm: KvmHost, vm: KvmVm, vcpu: KvmVcpu) => KvmError | null;

/** What is asked to be shared or private, and what is shared already. */
const RANGE = { from: 0, to: 1 };
const SHARED = [{ from: 0, to: 5 }];

/** Every ioctl, by the name that its refusal carries. */
const IOCTLS: readonly (readonly [string, Ioctl])[] = [
  ["KVM_TDX_INIT_VM", (kvm, vm) => returned(initVm(kvm, vm))],
  ["KVM_CREATE_VCPU", (_, vm) => refusedVcpu(vm)],
  ["KVM_TDX_INIT_VCPU", (kvm, vm, vcpu) => initVcpus(kvm, vm, [vcpu])],
  ["KVM_TDX_INIT_MEM_REGION", (kvm, vm) => returned(initMemRegion(kvm, vm, 0, 1))],
  ["KVM_TDX_FINALIZE_VM", (kvm, vm) => finalizeVm(kvm, vm)],
  ["KVM_RUN", (_, vm, vcpu) => refusedRun(vm, vcpu)],
  ["KVM_RUN", (kvm, vm) => returned(faultIn(kvm, vm, { level: 0, gfn: 0, leaves: 1, spacing: 1 }))],
  ["KVM_SET_MEMORY_ATTRIBUTES", (kvm, vm) => returned(convertToShared(kvm, vm, RANGE))],
  ["KVM_SET_MEMORY_ATTRIBUTES", (_, vm) => convertToPrivate(vm, RANGE)],
  ["KVM_TDX_RELEASE_VM", (kvm, vm) => returned(releaseVm(kvm, vm))],
];

/** The answer of an ioctl of a TD whose VM was changed, and the SEAMCALLs it made. */
function answerOf(call: Ioctl, stage: Stage, change: (vm: KvmVm) => void, kernel = "v16") {
  const { host } = built(stage, { kernel });
  const vm = vmOf(host);
  vm.state.shared = SHARED;
  change(vm);
  const calls = recorded(host);
  const answer = call(kvmOf(host), vm, vm.state.vcpus[0] ?? expect.unreachable("it has a vCPU"));
  return { answer, calls, shared: vm.state.shared };
}

describe("a VM that hit KVM_BUG_ON", () => {
  it.each(IOCTLS)("answers %s with -EIO and makes no SEAMCALL", (ioctl, call) => {
    const bugged = answerOf(call, "finalized", ({ state }) => {
      state.isBugged = true;
    });
    const answer = { errno: "EIO", ioctl, reason: "the VM is bugged" };
    expect(bugged).toEqual({ answer, calls: [], shared: SHARED });
  });

  it("answers KVM_TDX_TERMINATE_VM with -EIO too", () => {
    const terminate: Ioctl = (kvm, vm) => returned(terminateVm(kvm, vm));
    const bug = ({ state }: KvmVm): void => {
      state.isBugged = true;
    };
    const { answer } = answerOf(terminate, "finalized", bug, "terminate-5of5");
    expect(answer).toEqual({
      errno: "EIO",
      ioctl: "KVM_TDX_TERMINATE_VM",
      reason: "the VM is bugged",
    });
  });
});

describe("a VM that was terminated (kvm-teardown D.2)", () => {
  const terminate = ({ state }: KvmVm): void => {
    state.isTerminated = true;
  };

  it.each(IOCTLS)("answers %s with -EIO where it is dead then", (ioctl, call) => {
    const { answer, calls } = answerOf(call, "finalized", terminate, "terminate-v4");
    const reason = "the VM was terminated and is dead";
    expect(answer).toEqual({ errno: "EIO", ioctl, reason });
    expect(calls).toEqual([]);
  });

  it("runs on where only a bugged VM is dead", () => {
    const run: Ioctl = (_, vm, vcpu) => refusedRun(vm, vcpu);
    expect(answerOf(run, "finalized", terminate, "terminate-5of5").answer).toBeNull();
  });
});

describe("an ioctl at the wrong time says which it is", () => {
  it.each([
    ["KVM_TDX_INIT_VM", "vcpus", "EINVAL", "the TD is initialised already"],
    ["KVM_TDX_INIT_VCPU", "vcpus", "EINVAL", "the vCPU is initialised already"],
    ["KVM_TDX_INIT_MEM_REGION", "finalized", "EINVAL", "the TD is finalised"],
    ["KVM_TDX_FINALIZE_VM", "finalized", "EINVAL", "the TD is finalised already"],
  ] as const)("%s of a TD that is %s", (ioctl, stage, errno, reason) => {
    const [, call] = IOCTLS.find(([name]) => name === ioctl) ?? expect.unreachable();
    expect(answerOf(call, stage, () => {}).answer).toEqual({ errno, ioctl, reason });
  });

  it("KVM_CREATE_VCPU of v6.16 before INIT_VM", () => {
    expect(refusedVcpu(vmOf(built("created", { kernel: "v6.16" }).host))).toEqual({
      errno: "EIO",
      ioctl: "KVM_CREATE_VCPU",
      reason: "the TD is not initialised",
    });
  });

  it("KVM_RUN of a vCPU that was not initialised, and of a TD that was not finalised", () => {
    const uninitialised = ({ state }: KvmVm): void => {
      for (const vcpu of state.vcpus) vcpu.isInitialized = false;
    };
    const run: Ioctl = (_, vm, vcpu) => refusedRun(vm, vcpu);
    const error = { errno: "EINVAL", ioctl: "KVM_RUN" };
    expect(answerOf(run, "finalized", uninitialised).answer).toEqual({
      ...error,
      reason: "the vCPU is not initialised",
    });
    expect(answerOf(run, "image", () => {}, "v6.16").answer).toEqual({
      ...error,
      reason: "the TD is not finalised",
    });
  });
});
