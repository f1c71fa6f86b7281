import { isInGuest } from "../kick-vcpus.ts";
import { failed, type IoctlResult } from "../kvm-error.ts";
import type { KvmHost, KvmVm } from "../vm.ts";
import { refusedIoctl } from "../vm-dead.ts";
import { releaseHkid } from "./release-hkid.ts";

export const TERMINATE_VM = "KVM_TDX_TERMINATE_VM";

/**
 * Entry of KVM_TDX_TERMINATE_VM (kvm-teardown D.2): the mutex of every vCPU is tried, and from
 * then on the VM is terminated. The caller releases the HKID.
 */
export function beginTermination(host: KvmHost, vm: KvmVm): IoctlResult {
  const { generation, state } = vm;
  if (generation.terminate === null) return failed(TERMINATE_VM, "EINVAL", "no such command");
  const refused = refusedIoctl(vm, TERMINATE_VM);
  if (refused !== null) return refused;
  const isInRun = state.vcpus.some((vcpu) => isInGuest(host, vcpu));
  if (isInRun) return failed(TERMINATE_VM, "EBUSY", "a vCPU is in KVM_RUN");
  state.isTerminated = true;
  return null;
}

/**
 * KVM_TDX_TERMINATE_VM: releases the HKID and returns 0, even where the release failed. Memory
 * goes when guest_memfd is closed. Called again it finds no HKID left, where it may be called.
 */
export function* terminateVm(host: KvmHost, vm: KvmVm): Generator<void, IoctlResult> {
  const refused = beginTermination(host, vm);
  if (refused !== null) return refused;
  yield* releaseHkid(host, vm);
  return null;
}
