import { legalFaults } from "../../src/lab/faults/legal-statuses.ts";
import type { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { finish, type TornDown, tearDown } from "../support/faulted-teardown.ts";
import { runs } from "../support/sample.ts";
import type { Chance } from "./chance.ts";

export const STRATEGIES = ["runtime", "exit", "hint"] as const;

export interface Fault {
  readonly strategy: string;
  readonly leaf: string;
  readonly status: string;
  readonly k: number;
}

/** Every SEAMCALL of a teardown with every status that it may fail with. */
export async function everyFault(host: SimulatedHost, strategy: string): Promise<Fault[]> {
  const { result } = await tearDown(host, strategy, []);
  const calls = result.strategies[0]?.seamcalls.byLeaf ?? {};
  return Object.entries(calls).flatMap(([leaf, count]) =>
    Array.from({ length: count }, (_, i) => i + 1).flatMap((k) =>
      statusesTried(leaf).map((status) => ({ strategy, leaf, status, k })),
    ),
  );
}

/** A vCPU that is not flushed makes KVM spin: three statuses stand for all in the short run. */
function statusesTried(leaf: string): readonly string[] {
  const statuses = legalFaults(leaf);
  return leaf === "TDH.VP.FLUSH" ? statuses.slice(0, runs(3, statuses.length)) : statuses;
}

/** All faults, or as many by chance. */
export function someOf(all: readonly Fault[], most: number, chance: Chance): readonly Fault[] {
  return all.length <= most ? all : Array.from({ length: most }, () => chance.pick(all));
}

/** One that never ends is given up, and asked for again when nothing fails any more. */
export async function toItsEnd(torn: TornDown, strategy: string): Promise<TornDown> {
  return torn.result.strategies[0]?.end.livelock === undefined ? torn : finish(torn, strategy);
}
