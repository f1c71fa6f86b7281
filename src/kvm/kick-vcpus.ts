import type { KvmHost, KvmVcpu, KvmVm } from "./vm.ts";

/** Whether the vCPU is in the guest, on the LP that it was last loaded on. */
export function isInGuest(host: KvmHost, { cpu, tdvpr }: KvmVcpu): boolean {
  return tdvpr !== null && host.guest.runs(cpu) === tdvpr;
}

/** Every vCPU of the VM leaves the guest, if it is there, and stays outside until it is run again. */
export function leaveGuest(host: KvmHost, vm: KvmVm): void {
  if (!host.guest.isAnyRunning()) return;
  for (const vcpu of vm.state.vcpus) {
    if (isInGuest(host, vcpu)) host.guest.exit(vcpu.cpu);
  }
}

/** `kvm_make_all_cpus_request`, waited for: asks every vCPU of the VM to leave the guest. */
export function kickVcpus(host: KvmHost, vm: KvmVm): void {
  host.port.observer.hostWork("vcpuKicks", vm.state.vcpus.length);
  leaveGuest(host, vm);
}

/** The kernel thread at work runs on LP 0: whatever vCPU was in the guest there is preempted. */
export function takeLp0(host: KvmHost): void {
  host.guest.exit(0);
}
