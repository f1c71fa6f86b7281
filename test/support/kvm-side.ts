import { expect } from "vitest";
import { faultIn } from "../../src/kvm/page-fault.ts";
import type { PortOptions, SeamcallObserver } from "../../src/kvm/seamcall-port.ts";
import type { KvmHost, KvmVm } from "../../src/kvm/vm.ts";
import type { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { built } from "./td-vm.ts";

const FRAMES = [1, 512] as const;

/** An observer that keeps nothing. */
const UNSEEN: SeamcallObserver = { phase() {}, seamcalls() {}, hostWork() {} };

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

/** A finalised TD with `leaves` leaves of a level, so many times their size apart. */
export function mapped(level: 0 | 1, leaves: number, apart: number, kernel = "v16") {
  const made = built("vcpus", { vcpus: 1, memoryBytes: 2 ** 25, kernel });
  expect(made.td.finalizeVm()).toMatchObject({ ok: true });
  const touched = { level, gfn: 0, leaves, spacing: apart * FRAMES[level] };
  const vm = vmOf(made.host);
  expect(returned(faultIn(kvmOf(made.host), vm, touched))).toBeNull();
  return { ...made, vm, frames: FRAMES[level] };
}
