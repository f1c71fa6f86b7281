import type { RunControl } from "../drive.ts";
import { judge } from "../expect/expectation.ts";
import type { ExpectationResult, Result, TdDescription } from "../result.ts";
import { SimulatedHost } from "../simulated-host.ts";
import { onKernel, type TdOptions } from "../td-options.ts";
import { compareTd, type Session } from "../teardown.ts";
import { optionsWith } from "../what-if.ts";
import type { Scenario } from "./scenario.ts";
import { MAIN_TD, strategiesOn } from "./step.ts";
import { takeStep } from "./steps.ts";

/** One kernel generation's part of a scenario. */
interface KernelRun {
  readonly result: Result;
  readonly refusals: readonly ExpectationResult[];
}

/**
 * Runs a scenario: on each of its kernel generations the steps on a new host, then the strategies
 * on copies of the TD, unless the steps destroyed it.
 *
 * @throws Failure `refused` where the kernel refuses and the scenario does not expect it; RunStopped
 */
export async function runScenario(
  scenario: Scenario,
  control: RunControl & Pick<Session, "observe">,
): Promise<Result> {
  const { profile, seed, whatIfs: whatIf } = scenario;
  const step = control.step || scenario.step;
  const session: Session = { ...control, step, profile, seed, whatIf };
  const runs: KernelRun[] = [];
  for (const kernel of scenario.kernels) runs.push(await runOn(scenario, kernel, session));
  const [first, ...others] = runs.map(({ result }) => result);
  if (first === undefined) throw new Error("a scenario has at least one kernel");
  const strategies = [first, ...others].flatMap((result) => result.strategies);
  const comparison = [first, ...others].flatMap((result) => result.comparison);
  const expectations = [
    ...runs.flatMap(({ refusals }) => refusals),
    ...judge(scenario.expectations, strategies, comparison),
  ];
  const { recorded } = scenario;
  const { version, schema, simulated, module, platform, td } = first;
  return {
    schema,
    simulated,
    version,
    command: recorded?.command ?? "run",
    seed,
    ...scenarioHead(scenario),
    kernel: scenario.kernels.join(","),
    module,
    profile: first.profile,
    platform,
    td: described(td, scenario),
    strategies,
    comparison,
    ...(first.whatIf === undefined ? {} : { whatIf: first.whatIf }),
    ...(expectations.length === 0 ? {} : { expectations }),
    warnings: [...new Set([first, ...others].flatMap((result) => result.warnings))],
  };
}

function scenarioHead({ name, sha256, recorded }: Scenario): Pick<Result, "scenario"> {
  if (recorded === null) return { scenario: { name, sha256 } };
  return recorded.sha256 === undefined ? {} : { scenario: { name, sha256: recorded.sha256 } };
}

function described(td: TdDescription, { name, recorded }: Scenario): TdDescription {
  if (recorded === null || recorded.source === "scenario") {
    return { ...td, name, source: "scenario" };
  }
  return { ...td, name: null, source: recorded.source };
}

/** Faults are planned for teardowns: what comes before is sound. */
function withFaults({ faults, seed }: Scenario, session: Session): Session {
  return faults.length === 0 ? session : { ...session, faults: { plans: faults, seed } };
}

/** Who watches teardowns sees those that the result tells of. */
function unwatched({ observe: _, ...session }: Session): Session {
  return session;
}

async function runOn(scenario: Scenario, kernel: string, session: Session): Promise<KernelRun> {
  const adapted = (td: TdOptions): TdOptions => optionsWith(onKernel(td, kernel), scenario.whatIfs);
  const host = SimulatedHost.boot(adapted(scenario.td));
  const refusals: ExpectationResult[] = [];
  let destroyed: Result | undefined;
  for (const [i, each] of scenario.steps.entries()) {
    const step = each.do === "create" ? { ...each, options: adapted(each.options) } : each;
    const isMain = step.td === MAIN_TD && step.refused === null;
    const control = each.do === "destroy" ? withFaults(scenario, session) : session;
    const { result, expectation } = await takeStep(
      host,
      step,
      i,
      isMain ? control : unwatched(control),
    );
    if (expectation !== undefined) refusals.push(expectation);
    if (result !== undefined && step.td === MAIN_TD) destroyed = result;
  }
  if (destroyed !== undefined) return { result: destroyed, refusals };
  const strategies = strategiesOn(kernel, scenario.kernels, scenario.strategies);
  const result = await compareTd(host, MAIN_TD, { strategies }, withFaults(scenario, session));
  return { result, refusals };
}
