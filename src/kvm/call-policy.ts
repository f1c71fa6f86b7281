import type { Status } from "../module/status.ts";
import type { Retries } from "./body.ts";
import type { PolicyName } from "./generations/generation.ts";
import { kickVcpus } from "./kick-vcpus.ts";
import type { Errno } from "./kvm-error.ts";
import type { KvmHost, KvmVm } from "./vm.ts";

/** How this kernel repeats a SEAMCALL. */
export function policyOf(host: KvmHost, vm: KvmVm, name: PolicyName): Retries {
  const policy = vm.generation.policies[name];
  if (policy.kicks !== true) return policy;
  return { ...policy, beforeRetry: () => kickVcpus(host, vm) };
}

/** The errno of an ioctl whose SEAMCALL ended with `status`. */
export function errnoOf(vm: KvmVm, name: PolicyName, status: Status): Errno {
  return vm.generation.policies[name].errno?.[status.name] ?? "EIO";
}
