import { failed, type KvmError } from "./kvm-error.ts";
import type { KvmVm } from "./vm.ts";

/**
 * What generic KVM answers before an ioctl gets to TDX code: -EIO for a VM that is bugged
 * (KVM_BUG_ON makes it dead) or that KVM_TDX_TERMINATE_VM made dead (kvm-teardown D.2).
 * Null where the ioctl goes on.
 */
export function refusedIoctl(vm: KvmVm, ioctl: string): KvmError | null {
  const { state, generation } = vm;
  if (state.isBugged) return failed(ioctl, "EIO", "the VM is bugged");
  if (state.isTerminated && generation.terminate?.refuses === "every") {
    return failed(ioctl, "EIO", "the VM was terminated and is dead");
  }
  return null;
}
