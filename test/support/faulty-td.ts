import { FaultInjector } from "../../src/lab/faults/fault-injector.ts";
import { parseFault } from "../../src/lab/faults/fault-plan.ts";
import type { SimulatedHost } from "../../src/lab/simulated-host.ts";
import type { TdOptions } from "../../src/lab/td-options.ts";
import { EMULATED, NEWER_LEAVES } from "../../src/module/leaf-table.ts";
import { R8, RAX, RCX, RDX } from "../../src/module/registers.ts";
import { type Built, built, type Stage } from "./td-vm.ts";

/** From here on the SEAMCALLs of this host's TDs fail as planned, also as they never could. */
export function injectFaults(host: SimulatedHost, ...faults: readonly string[]): void {
  const kvm = host.kvm.bind(host);
  const plans = faults.map((fault) => parseFault(fault, true));
  const interposer = new FaultInjector(host.module, plans, 1);
  host.kvm = (observer, step, port) => kvm(observer, step, { ...port, interposer });
}

/** A TD built up to `stage`, whose SEAMCALLs fail as planned from then on. */
export function faulty(
  stage: Stage,
  options: Partial<TdOptions>,
  ...faults: readonly string[]
): Built {
  const made = built(stage, options);
  injectFaults(made.host, ...faults);
  return made;
}

/** A SEAMCALL as the module saw it: RCX without the HKID bits, and those. */
export interface Call {
  readonly leaf: string;
  readonly lp: number;
  readonly rcx: number;
  readonly hkid: number;
  readonly rdx: bigint;
  readonly r8: bigint;
  /** Iterations that it stands for. */
  readonly count: number;
}

const LEAVES = [...EMULATED, ...NEWER_LEAVES];

/** Writes down every SEAMCALL that reaches the module from here on. */
export function recorded(host: SimulatedHost): Call[] {
  const { module } = host;
  const { hkidShift } = host.platform;
  const seamcall = module.seamcall.bind(module);
  const calls: Call[] = [];
  module.seamcall = (lp, registers, count = 1, environment) => {
    const rax = registers.low[RAX];
    const rcx = Number(registers.get(RCX));
    calls.push({
      leaf: LEAVES.find((leaf) => leaf?.number === rax)?.name ?? `leaf ${rax}`,
      lp,
      rcx: rcx % 2 ** hkidShift,
      hkid: Math.floor(rcx / 2 ** hkidShift),
      rdx: registers.get(RDX),
      r8: registers.get(R8),
      count,
    });
    return seamcall(lp, registers, count, environment);
  };
  return calls;
}
