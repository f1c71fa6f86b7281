import type { Strategy, TeardownStep } from "../generations/generation.ts";
import { leaveGuest } from "../kick-vcpus.ts";
import { failed, type IoctlResult } from "../kvm-error.ts";
import type { KvmHost, KvmVm } from "../vm.ts";
import { refusedIoctl } from "../vm-dead.ts";
import { reclaimTables } from "./reclaim.ts";
import { reclaimTd, reclaimVcpus } from "./reclaim-control.ts";
import { releaseHkid } from "./release-hkid.ts";
import { beginTermination, TERMINATE_VM } from "./terminate-vm.ts";
import { zapLeaves } from "./zap-leaves.ts";

const STEPS: Readonly<Record<TeardownStep, (host: KvmHost, vm: KvmVm) => Generator<void, void>>> = {
  "remove-leaves": (host, vm) => zapLeaves(host, vm),
  "release-hkid": (host, vm) => releaseHkid(host, vm),
  "reclaim-leaves": (host, vm) => zapLeaves(host, vm),
  "reclaim-tables": reclaimTables,
  "reclaim-vcpus": (host, vm) => reclaimVcpus(host, vm),
  "reclaim-td": (host, vm) => reclaimTd(host, vm),
};

const RELEASE_VM = "KVM_TDX_RELEASE_VM";

/**
 * Tears a TD down by a strategy, from its trigger to the end of the VM. Every step works on what
 * is left, so that a teardown that was interrupted goes on when it is asked for again.
 */
export function* destroyVm(
  host: KvmHost,
  vm: KvmVm,
  strategy: Strategy,
): Generator<void, IoctlResult> {
  if (strategy.command === TERMINATE_VM && !vm.state.isTerminated) {
    const refused = beginTermination(host, vm);
    if (refused !== null) return refused;
  }
  // A process exits with its vCPU threads gone.
  if (strategy.name === "exit") leaveGuest(host, vm);
  for (const step of strategy.steps) yield* STEPS[step](host, vm);
  vm.state.isDestroyed = true;
  return null;
}

/**
 * KVM_TDX_RELEASE_VM (kvm-teardown C.4): the steps of the hint that run inside the ioctl.
 * It returns 0, whatever failed on the way; a second call finds nothing left and makes no SEAMCALL.
 * Only generic KVM may refuse it before.
 */
export function* releaseVm(host: KvmHost, vm: KvmVm): Generator<void, IoctlResult> {
  const hint = vm.generation.strategies.find(({ command }) => command === RELEASE_VM);
  const refused = refusedIoctl(vm, RELEASE_VM);
  if (refused !== null) return refused;
  if (hint === undefined) return failed(RELEASE_VM, "EINVAL", "no such command");
  for (const step of hint.steps.slice(0, hint.stepsInIoctl)) yield* STEPS[step](host, vm);
  return null;
}
