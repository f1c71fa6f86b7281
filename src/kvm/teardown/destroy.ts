import type { Strategy, TeardownStep } from "../generations/generation.ts";
import { failed, type IoctlResult } from "../kvm-error.ts";
import type { KvmHost, KvmVm } from "../vm.ts";
import { reclaimControlPages, reclaimLeaves, reclaimTables } from "./reclaim.ts";
import { releaseHkid } from "./release-hkid.ts";
import { removeLeaves } from "./runtime-removal.ts";

const STEPS: Readonly<Record<TeardownStep, (host: KvmHost, vm: KvmVm) => Generator<void, void>>> = {
  "remove-leaves": removeLeaves,
  "release-hkid": (host, vm) => releaseHkid(host, vm),
  "reclaim-leaves": reclaimLeaves,
  "reclaim-tables": reclaimTables,
  "reclaim-control": (host, vm) => reclaimControlPages(host, vm),
};

/**
 * Tears a TD down by a strategy, from its trigger to the end of the VM. Every step works on what
 * is left, so that a teardown that was interrupted goes on when it is asked for again.
 */
export function* destroyVm(
  host: KvmHost,
  vm: KvmVm,
  strategy: Strategy,
): Generator<void, IoctlResult> {
  if (vm.state.isDestroyed) return failed("close", "EINVAL", "the VM is destroyed already");
  for (const step of strategy.steps) yield* STEPS[step](host, vm);
  vm.state.isDestroyed = true;
  return null;
}

/**
 * KVM_TDX_RELEASE_VM (kvm-teardown C.4): the steps of the hint that run inside the ioctl.
 * It always returns 0; a second call finds nothing left and makes no SEAMCALL.
 */
export function* releaseVm(host: KvmHost, vm: KvmVm): Generator<void, IoctlResult> {
  const hint = vm.generation.strategies.find(({ stepsInIoctl }) => stepsInIoctl > 0);
  if (hint === undefined) return failed("KVM_TDX_RELEASE_VM", "EINVAL", "no such command");
  for (const step of hint.steps.slice(0, hint.stepsInIoctl)) yield* STEPS[step](host, vm);
  return null;
}
