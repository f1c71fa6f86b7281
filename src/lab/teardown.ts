import type { Profile } from "../cost/profile.ts";
import { DEFAULT_PROFILE } from "../cost/profiles/index.ts";
import type { Strategy } from "../kvm/generations/generation.ts";
import { KvmLivelock } from "../kvm/livelock.ts";
import type { SeamcallObserver } from "../kvm/seamcall-port.ts";
import { destroyVm } from "../kvm/teardown/destroy.ts";
import { runVcpu } from "../kvm/vcpu.ts";
import type { KvmHost } from "../kvm/vm.ts";
import { Ledger } from "../ledger/ledger.ts";
import { Failure } from "../units/failure.ts";
import { compareStrategies, describeTd, resultOf, strategyResult } from "./build-result.ts";
import { areAlike, chosenOf, crossed, differences, missing } from "./crossing.ts";
import { drive, type RunControl } from "./drive.ts";
import { findGeneration, strategyOf } from "./kernels.ts";
import { fillTd, makeTd, refuse, refuseGone, requireTd } from "./lifecycle.ts";
import { setUpPort } from "./port-setup.ts";
import type { Result, StrategyResult, TdDescription, TdSource } from "./result.ts";
import { type HostedTd, SimulatedHost } from "./simulated-host.ts";
import { onKernel, type TdOptions } from "./td-options.ts";
import { bothOf } from "./trace/recorder.ts";
import { checkWhatIfs, optionsWith, type WhatIf, withWhatIfs } from "./what-if.ts";

/** How a teardown is driven and priced. */
export interface Session extends RunControl {
  readonly profile: Profile;
  /** Seed of everything random; it travels with the result. */
  readonly seed: number;
  /** Gives who is told of every SEAMCALL of a teardown besides its ledger. */
  readonly observe?: (strategy: string) => SeamcallObserver;
  /** Ideas that no kernel has, on top of the generation. */
  readonly whatIf?: readonly WhatIf[];
}

/** Uniform pages at once, seed 1, the prices of the published times. */
export const DEFAULT_SESSION: Session = { step: false, seed: 1, profile: DEFAULT_PROFILE };

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
  session: Session = DEFAULT_SESSION,
): Promise<Result> {
  const td = requireTd(host, name);
  return destroyHosted(host, td, request.strategy, { name, source: "store" }, session);
}

/** Makes a TD, populates it and tears it down, all in memory. */
export async function destroyFresh(
  options: TdOptions,
  request: { readonly strategy: string; readonly source?: TdSource },
  session: Session = DEFAULT_SESSION,
): Promise<Result> {
  strategyOf(findGeneration(options.kernel), request.strategy);
  const { host, td } = await freshTd(options, session);
  const origin = { name: null, source: request.source ?? "options" };
  return destroyHosted(host, td, request.strategy, origin, session);
}

/** Which teardowns are compared; what is left out is every one there is. */
export interface CompareRequest {
  readonly strategies?: readonly string[];
  /** Kernel generations by name; the TD's own unless given. */
  readonly kernels?: readonly string[];
}

/**
 * Tears copies of a TD down by every strategy of its kernel, or by those named; the TD stays. Of
 * several kernels each tears down copies of the same TD.
 *
 * @throws Failure as `destroyTd`
 */
export async function compareTd(
  host: SimulatedHost,
  name: string,
  request: CompareRequest = {},
  session: Session = DEFAULT_SESSION,
): Promise<Result> {
  const td = requireTd(host, name);
  const { kernels = [td.options.kernel] } = request;
  const origin = { name, source: "store" as const };
  const candidates = kernels.map((kernel) => ({ host, td: crossed(td, kernel) }));
  return compareHosted(candidates, request.strategies, origin, session);
}

/** Makes a TD for each of the kernels and compares their teardowns, all in memory. */
export async function compareFresh(
  options: TdOptions,
  request: CompareRequest & { readonly source?: TdSource } = {},
  session: Session = DEFAULT_SESSION,
): Promise<Result> {
  const { kernels = [options.kernel], source = "options", strategies } = request;
  const generations = kernels.map(findGeneration);
  for (const kernel of kernels) chosenOf(findGeneration(kernel), strategies, generations);
  const candidates = [];
  for (const kernel of kernels) {
    candidates.push(await freshTd(onKernel(options, kernel), session));
  }
  return compareHosted(candidates, strategies, { name: null, source }, session);
}

interface Origin {
  readonly name: string | null;
  readonly source: TdSource;
}

async function freshTd(
  options: TdOptions,
  session: Session,
): Promise<{ host: SimulatedHost; td: HostedTd }> {
  const wanted = optionsWith(options, session.whatIf ?? []);
  const host = SimulatedHost.boot(wanted);
  // Faults are planned for the teardown: the TD that it takes is a sound one.
  const { faults: _, ...sound } = session;
  const td = await makeTd(host, UNNAMED, wanted, sound);
  await fillTd(host, td, { finalize: true }, sound);
  return { host, td };
}

async function destroyHosted(
  host: SimulatedHost,
  td: HostedTd,
  name: string,
  origin: Origin,
  session: Session,
): Promise<Result> {
  const strategy = strategyOf(td.vm.generation, name);
  checkWhatIfs(host, td.options, strategy, session.whatIf ?? []);
  const before = td.teardown?.td ?? describeTd(td, origin.name, origin.source);
  const idleFaults = await tearDown(host, td, strategy, before, session);
  return resultOf({
    command: "destroy",
    seed: session.seed,
    host,
    profile: session.profile,
    td: before,
    kernels: [td.vm.generation],
    strategies: [strategyResult(td, before, session.profile, session.whatIf ?? [])],
    comparison: [],
    idleFaults,
    whatIfs: session.whatIf ?? [],
  });
}

/** A TD as one kernel has it, on its host. */
export interface Candidate {
  readonly host: SimulatedHost;
  readonly td: HostedTd;
}

/**
 * Tears copies of TDs down, one TD for each kernel.
 *
 * @param names strategies; undefined is every one there is
 * @throws Failure as `destroyTd`
 */
export async function compareHosted(
  candidates: readonly Candidate[],
  names: readonly string[] | undefined,
  origin: Origin,
  session: Session,
): Promise<Result> {
  const [first] = candidates;
  if (first === undefined) throw new Failure("usage", "there is no kernel to compare");
  const kernels = candidates.map(({ td }) => td.vm.generation);
  const whatIfs = session.whatIf ?? [];
  const strategies: StrategyResult[] = [];
  let idleFaults = session.faults?.plans.map(({ text }) => text) ?? [];
  for (const { host, td } of candidates) {
    if (td.teardown !== null) throw refuseGone(td, "compare");
    const before = describeTd(td, origin.name, origin.source);
    const emulated = new Map<Strategy, StrategyResult>();
    for (const strategy of chosenOf(td.vm.generation, names, kernels)) {
      if (names !== undefined) checkWhatIfs(host, td.options, strategy, whatIfs);
      const alike = isUnwatched(td, session) && likeOneOf(emulated, strategy);
      if (alike) {
        strategies.push({ ...alike, strategy: strategy.name });
        continue;
      }
      const copy = host.clone();
      const twin = crossed(requireTd(copy, td.name), td.vm.generation.name);
      const idle = await tearDown(copy, twin, strategy, before, session);
      idleFaults = idleFaults.filter((fault) => idle.includes(fault));
      const result = strategyResult(twin, before, session.profile, whatIfs);
      emulated.set(strategy, result);
      strategies.push(result);
    }
  }
  return resultOf({
    command: "compare",
    seed: session.seed,
    host: first.host,
    profile: session.profile,
    td: describeTd(first.td, origin.name, origin.source),
    kernels,
    strategies,
    comparison: compareStrategies(strategies),
    idleFaults,
    whatIfs,
    notes: [...differences(candidates.map(({ td }) => td)), ...missing(kernels, names)],
  });
}

/** Nothing strikes or sees a single SEAMCALL, so teardowns that are alike need only one. */
function isUnwatched({ options }: HostedTd, session: Session): boolean {
  const { step, faults, judge, observe } = session;
  return !step && options.running === 0 && (faults ?? judge ?? observe) === undefined;
}

function likeOneOf(
  emulated: ReadonlyMap<Strategy, StrategyResult>,
  strategy: Strategy,
): StrategyResult | undefined {
  const [, result] = [...emulated].find(([other]) => areAlike(other, strategy)) ?? [];
  return result;
}

/** Returns the faults that never struck. */
async function tearDown(
  host: SimulatedHost,
  td: HostedTd,
  strategy: Strategy,
  before: TdDescription,
  session: Session,
): Promise<readonly string[]> {
  const { name } = strategy;
  const whatIfs = session.whatIf ?? [];
  if (td.vm.state.isDestroyed) throw refuseGone(td, "destroy");
  const begun = td.teardown;
  requireSame(td, name, whatIfs);
  const vm = withWhatIfs(td.vm, whatIfs);
  const { port, injector } = await setUpPort(host, session);
  if (begun === null && td.options.running > 0) {
    runVcpus(host.kvm(td.ledger, session.step), td);
  }
  const ledger = begun?.ledger ?? new Ledger();
  const whatIf = whatIfs.map(({ text }) => text);
  const teardown = { strategy: name, whatIf, ledger, td: before, livelock: null };
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
    if (error !== null) {
      td.teardown = begun;
      throw refuse(error);
    }
  } catch (error) {
    if (!(error instanceof KvmLivelock)) throw error;
    const { leaf, status, calls } = error;
    td.teardown = { ...teardown, livelock: { leaf, status, calls } };
  }
  return injector?.idle ?? [];
}

/** A teardown that was begun goes on as it began. */
function requireSame(td: HostedTd, strategy: string, whatIfs: readonly WhatIf[]): void {
  const { teardown } = td;
  if (teardown === null) return;
  const whatIf = whatIfs.map(({ text }) => text);
  if (teardown.strategy === strategy && String(teardown.whatIf) === String(whatIf)) return;
  const ideas = teardown.whatIf.map((text) => ` --what-if ${text}`).join("");
  throw new Failure("refused", `TD ${td.name} is half torn down by ${teardown.strategy}${ideas}`, {
    hint: `go on with tdx-sim destroy ${td.name} --strategy ${teardown.strategy}${ideas}`,
    refusal: { errno: "EBUSY" },
  });
}

/** As many vCPUs as the TD's options say are in the guest when its teardown begins. */
function runVcpus(kvm: KvmHost, { vm, options }: HostedTd): void {
  for (const vcpu of vm.state.vcpus.slice(0, options.running)) runVcpu(kvm, vcpu);
}
