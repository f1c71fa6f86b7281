import type { SimulatedHost } from "../lab/simulated-host.ts";
import { Failure } from "../units/failure.ts";

/**
 * The host that holds this TD. What was chosen before the lock was taken may be gone by now.
 *
 * @throws Failure `no-input` when another command emptied the store meanwhile
 */
export function requireHost(host: SimulatedHost | null, name: string): SimulatedHost {
  if (host?.report(name) !== undefined) return host;
  throw new Failure("no-input", `there is no TD ${name} in the store`, {
    hint: "tdx-sim list shows what there is",
  });
}
