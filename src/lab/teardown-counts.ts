import type { PhaseCounts } from "../ledger/phase-counts.ts";
import type { RunControl } from "./drive.ts";
import { fillTd, makeTd } from "./lifecycle.ts";
import { SimulatedHost } from "./simulated-host.ts";
import type { TdOptions } from "./td-options.ts";
import { DEFAULT_SESSION, destroyTd } from "./teardown.ts";

/** Everything counted in the life of one TD, by ioctl and by phase of its teardown. */
export interface LifeCounts {
  readonly life: readonly PhaseCounts[];
  readonly teardown: readonly PhaseCounts[];
}

const NAME = "td";

/**
 * Makes, fills and tears down a TD in memory, for its counts.
 *
 * @throws Failure as `createTd`, `populateTd` and `destroyTd`; RunStopped
 */
export async function countLife(
  options: TdOptions,
  strategy: string,
  control: RunControl,
): Promise<LifeCounts> {
  const host = SimulatedHost.boot(options);
  const td = await makeTd(host, NAME, options, control);
  await fillTd(host, td, { finalize: true }, control);
  await destroyTd(host, NAME, { strategy }, { ...DEFAULT_SESSION, ...control });
  if (td.teardown === null) throw new Error("a TD that was destroyed has no teardown");
  return { life: td.ledger.phases(), teardown: td.teardown.ledger.phases() };
}
