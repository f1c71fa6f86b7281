import type { KvmHost, KvmVm } from "./vm.ts";

/** Every vCPU of the VM leaves the guest, if it is there, and stays outside until it is run again. */
export function leaveGuest(host: KvmHost, vm: KvmVm): void {
  if (!host.guest.isAnyRunning()) return;
  for (const { cpu, tdvpr } of vm.state.vcpus) {
    if (tdvpr !== null && cpu >= 0 && host.guest.runs(cpu) === tdvpr) host.guest.exit(cpu);
  }
}

/** `kvm_make_all_cpus_request`, waited for: asks every vCPU of the VM to leave the guest. */
export function kickVcpus(host: KvmHost, vm: KvmVm): void {
  host.port.observer.hostWork("vcpuKicks", vm.state.vcpus.length);
  leaveGuest(host, vm);
}

/** The kernel thread at work runs on LP 0: whatever vCPU was in the guest there is preempted. */
export function takeLp0(host: KvmHost): void {
  if (host.guest.runs(0) !== null) host.guest.exit(0);
}
