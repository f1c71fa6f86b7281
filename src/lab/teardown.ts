import type { Profile } from "../cost/profile.ts";
import { KvmLivelock } from "../kvm/livelock.ts";
import type { SeamcallObserver } from "../kvm/seamcall-port.ts";
import { destroyVm } from "../kvm/teardown/destroy.ts";
import { Ledger } from "../ledger/ledger.ts";
import { Failure } from "../units/failure.ts";
import { compareStrategies, describeTd, resultOf, strategyResult } from "./build-result.ts";
import { drive, type RunControl } from "./drive.ts";
import { setUpPort } from "./faults/inject.ts";
import { generation, strategyOf } from "./kernels.ts";
import { createTd, populateTd, refuse, refuseGone, requireTd } from "./lifecycle.ts";
import type { Result, TdDescription, TdSource } from "./result.ts";
import { type HostedTd, SimulatedHost } from "./simulated-host.ts";
import type { TdOptions } from "./td-options.ts";
import { bothOf } from "./trace/recorder.ts";

/** How a teardown is driven and priced. */
export interface Session extends RunControl {
  readonly profile: Profile;
  /** Seed of everything random; it travels with the result. */
  readonly seed: number;
  /** Gives who is told of every SEAMCALL of a teardown besides its ledger. */
  readonly observe?: (strategy: string) => SeamcallObserver;
}

/** Name of the TD that exists only for one command. */
const UNNAMED = "td";

/**
 * Tears a TD of the host down. A teardown that was stopped goes on, its counts in the same result.
 *
 * @throws Failure `no-input`, `usage`, `refused`; RunStopped, with the host as far as it came
 */
export async function destroyTd(
  host: SimulatedHost,
  name: string,
  request: { readonly strategy: string },
  session: Session,
): Promise<Result> {
  const td = requireTd(host, name);
  return destroyHosted(host, td, request.strategy, { name, source: "store" }, session);
}

/** Makes a TD, populates it and tears it down, all in memory. */
export async function destroyFresh(
  options: TdOptions,
  request: { readonly strategy: string; readonly source: TdSource },
  session: Session,
): Promise<Result> {
  strategyOf(generation(options.kernel), request.strategy);
  const { host, td } = await freshTd(options, session);
  const origin = { name: null, source: request.source };
  return destroyHosted(host, td, request.strategy, origin, session);
}

/**
 * Tears copies of a TD down by every strategy of its kernel, or by those named; the TD stays.
 *
 * @throws Failure as `destroyTd`
 */
export async function compareTd(
  host: SimulatedHost,
  name: string,
  request: { readonly strategies?: readonly string[] },
  session: Session,
): Promise<Result> {
  const td = requireTd(host, name);
  if (td.teardown !== null) throw refuseGone(td, "compare");
  const origin = { name, source: "store" as const };
  return compareHosted(host, td, request.strategies, origin, session);
}

export async function compareFresh(
  options: TdOptions,
  request: { readonly strategies?: readonly string[]; readonly source: TdSource },
  session: Session,
): Promise<Result> {
  const { host, td } = await freshTd(options, session);
  const origin = { name: null, source: request.source };
  return compareHosted(host, td, request.strategies, origin, session);
}

interface Origin {
  readonly name: string | null;
  readonly source: TdSource;
}

async function freshTd(
  options: TdOptions,
  session: Session,
): Promise<{ host: SimulatedHost; td: HostedTd }> {
  const host = SimulatedHost.boot(options);
  // Faults are planned for the teardown: the TD that it takes is a sound one.
  const { faults: _, ...sound } = session;
  await createTd(host, UNNAMED, options, sound);
  await populateTd(host, UNNAMED, { finalize: true }, sound);
  return { host, td: requireTd(host, UNNAMED) };
}

async function destroyHosted(
  host: SimulatedHost,
  td: HostedTd,
  strategy: string,
  origin: Origin,
  session: Session,
): Promise<Result> {
  const before = td.teardown?.td ?? describeTd(td, origin.name, origin.source);
  const idleFaults = await tearDown(host, td, strategy, before, session);
  return resultOf({
    command: "destroy",
    seed: session.seed,
    host,
    profile: session.profile,
    td: before,
    kernel: td.options.kernel,
    strategies: [strategyResult(td, before, session.profile)],
    comparison: [],
    idleFaults,
  });
}

async function compareHosted(
  host: SimulatedHost,
  td: HostedTd,
  names: readonly string[] | undefined,
  origin: Origin,
  session: Session,
): Promise<Result> {
  const kernel = generation(td.options.kernel);
  const all = kernel.strategies.map(({ name }) => name);
  const chosen = names ?? all;
  const before = describeTd(td, origin.name, origin.source);
  const strategies = [];
  let idleFaults = session.faults?.plans.map(({ text }) => text) ?? [];
  for (const name of chosen) {
    const copy = host.clone();
    const twin = requireTd(copy, td.name);
    const idle = await tearDown(copy, twin, name, before, session);
    idleFaults = idleFaults.filter((fault) => idle.includes(fault));
    strategies.push(strategyResult(twin, before, session.profile));
  }
  return resultOf({
    command: "compare",
    seed: session.seed,
    host,
    profile: session.profile,
    td: before,
    kernel: td.options.kernel,
    strategies,
    comparison: compareStrategies(strategies),
    idleFaults,
  });
}

/** Returns the faults that never struck. */
async function tearDown(
  host: SimulatedHost,
  td: HostedTd,
  name: string,
  before: TdDescription,
  session: Session,
): Promise<readonly string[]> {
  const { vm } = td;
  const strategy = strategyOf(vm.generation, name);
  if (vm.state.isDestroyed) throw refuseGone(td, "destroy");
  if (td.teardown !== null && td.teardown.strategy !== name) {
    throw new Failure("refused", `TD ${td.name} is half torn down by ${td.teardown.strategy}`, {
      hint: `go on with tdx-sim destroy ${td.name} --strategy ${td.teardown.strategy}`,
      refusal: { errno: "EBUSY" },
    });
  }
  const { port, injector } = await setUpPort(host, session);
  const ledger = td.teardown?.ledger ?? new Ledger();
  const teardown = { strategy: name, ledger, td: before, livelock: null };
  td.teardown = teardown;
  const watcher = session.observe?.(name);
  const observer = watcher === undefined ? ledger : bothOf(ledger, watcher);
  const kvm = host.kvm(observer, session.step, port);
  const total = vm.memory.leafCount(0) + vm.memory.leafCount(1);
  try {
    const error = await drive(destroyVm(kvm, vm, strategy), session, () => {
      const left = vm.memory.leafCount(0) + vm.memory.leafCount(1);
      session.onProgress?.(total - left + kvm.port.bodyDone, total, name);
    });
    if (error !== null) throw refuse(error);
  } catch (error) {
    if (!(error instanceof KvmLivelock)) throw error;
    const { leaf, status, calls } = error;
    td.teardown = { ...teardown, livelock: { leaf, status, calls } };
  }
  return injector?.idle ?? [];
}
