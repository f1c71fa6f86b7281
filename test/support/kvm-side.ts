import { expect } from "vitest";
import type { PortOptions, SeamcallObserver } from "../../src/kvm/seamcall-port.ts";
import type { KvmHost, KvmVm } from "../../src/kvm/vm.ts";
import type { SimulatedHost } from "../../src/lab/simulated-host.ts";

/** An observer that keeps nothing. */
export const UNSEEN: SeamcallObserver = { phase() {}, seamcalls() {}, hostWork() {} };

/** The host as KVM sees it, with nobody counting. */
export function kvmOf(host: SimulatedHost, options: PortOptions = {}): KvmHost {
  return host.kvm(UNSEEN, false, options);
}

/** KVM's structures of a TD of the host. */
export function vmOf(host: SimulatedHost, name = "a"): KvmVm {
  return host.td(name)?.vm ?? expect.unreachable(`${name} is on the host`);
}

/** Runs KVM code to its end without a stop; what it returns. */
export function returned<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}
