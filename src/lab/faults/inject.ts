import type { PortOptions } from "../../kvm/seamcall-port.ts";
import type { RunControl } from "../drive.ts";
import type { SimulatedHost } from "../simulated-host.ts";
import type { FaultInjector } from "./fault-injector.ts";

/** How the port of a run is set up, and the injector if calls are to fail. */
export interface PortSetup {
  readonly port: PortOptions;
  readonly injector: FaultInjector | null;
}

/**
 * The port options of a run. The counts of calls that faults are placed by begin here.
 *
 * @throws Failure `usage` for a fault that the host's platform cannot have
 */
export async function setUpPort(host: SimulatedHost, control: RunControl): Promise<PortSetup> {
  const { callsPerTurn, faults } = control;
  const port = callsPerTurn === undefined ? {} : { callsPerTurn };
  if (faults === undefined || faults.plans.length === 0) return { port, injector: null };
  const { FaultInjector } = await import("./fault-injector.ts");
  const injector = new FaultInjector(host.module, faults.plans, faults.seed);
  return { port: { ...port, interposer: injector }, injector };
}
