import type { SeamcallInterposer } from "../kvm/seamcall-interposer.ts";
import type { PortOptions } from "../kvm/seamcall-port.ts";
import type { Judge } from "./checked-module.ts";
import type { RunControl } from "./drive.ts";
import type { FaultInjector } from "./faults/fault-injector.ts";
import type { SimulatedHost } from "./simulated-host.ts";

/** How the port of a run is set up, and the injector if calls are to fail. */
export interface PortSetup {
  readonly port: PortOptions;
  readonly injector: FaultInjector | null;
}

/** Judgements between two turns of the driver: each may take a millisecond, and Ctrl-C waits. */
const JUDGED_CALLS_PER_TURN = 50;

/**
 * The port options of a run. The counts of calls that faults are placed by begin here.
 *
 * @throws Failure `usage` for a fault that the host's platform cannot have
 */
export async function setUpPort(host: SimulatedHost, control: RunControl): Promise<PortSetup> {
  const { callsPerTurn, judge } = control;
  const injector = await injectorFor(host, control);
  const interposer = judge === undefined ? injector : await checked(host, injector, judge);
  const calls = callsPerTurn ?? (judge === undefined ? undefined : JUDGED_CALLS_PER_TURN);
  const port = {
    ...(calls === undefined ? {} : { callsPerTurn: calls }),
    ...(interposer === null ? {} : { interposer }),
  };
  return { port, injector };
}

async function checked(
  host: SimulatedHost,
  injector: FaultInjector | null,
  judge: Judge,
): Promise<SeamcallInterposer> {
  const { CheckedModule } = await import("./checked-module.ts");
  return new CheckedModule(host.module, injector, judge);
}

async function injectorFor(
  host: SimulatedHost,
  { faults }: RunControl,
): Promise<FaultInjector | null> {
  if (faults === undefined || faults.plans.length === 0) return null;
  const { FaultInjector } = await import("./faults/fault-injector.ts");
  return new FaultInjector(host.module, faults.plans, faults.seed);
}
