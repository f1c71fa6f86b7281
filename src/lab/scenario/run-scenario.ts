import { crossed } from "../crossing.ts";
import type { RunControl } from "../drive.ts";
import { heldAgainst } from "../expect/baseline.ts";
import { judge, withOutcomes } from "../expect/expectation.ts";
import { requireTd } from "../lifecycle.ts";
import type { ExpectationResult, Result, TdDescription } from "../result.ts";
import { SimulatedHost } from "../simulated-host.ts";
import { onKernel, type TdOptions } from "../td-options.ts";
import { type Candidate, compareHosted, type Session } from "../teardown.ts";
import { optionsWith } from "../what-if.ts";
import type { Scenario } from "./scenario.ts";
import { MAIN_TD } from "./step.ts";
import { takeStep } from "./steps.ts";

/** What became of a scenario's steps on one kernel generation. */
interface Life {
  readonly host: SimulatedHost;
  readonly kernel: string;
  readonly refusals: readonly ExpectationResult[];
  /** The teardown, where a step destroyed the TD. */
  readonly destroyed: Result | null;
}

/**
 * Runs a scenario: on each of its kernel generations the steps on a new host, then the strategies
 * on copies of the TD, unless the steps destroyed it.
 *
 * @throws Failure `refused` where the kernel refuses and the scenario does not expect it; `data`
 *   for a baseline of another configuration; RunStopped
 */
export async function runScenario(
  scenario: Scenario,
  control: RunControl & Pick<Session, "observe">,
): Promise<Result> {
  const { profile, seed, whatIfs: whatIf, recorded, baseline } = scenario;
  const step = control.step || scenario.step;
  const session: Session = { ...control, step, profile, seed, whatIf };
  const lives: Life[] = [];
  for (const kernel of scenario.kernels) lives.push(await live(scenario, kernel, session));
  const [first, ...others] = await teardowns(scenario, lives, session);
  if (first === undefined) throw new Error("a scenario has at least one kernel");
  const strategies = [first, ...others].flatMap((result) => result.strategies);
  const comparison = [first, ...others].flatMap((result) => result.comparison);
  const { version, schema, simulated, module, platform, td } = first;
  const result: Result = {
    schema,
    simulated,
    version,
    command: recorded?.command ?? "run",
    seed,
    ...scenarioHead(scenario),
    kernel: scenario.kernels.join(","),
    ...(first.whatIf === undefined ? {} : { whatIf: first.whatIf }),
    module,
    profile: first.profile,
    platform,
    td: described(td, scenario),
    strategies,
    comparison,
    warnings: [...new Set([first, ...others].flatMap((each) => each.warnings))],
  };
  const expectations = [
    ...lives.flatMap(({ refusals }) => refusals),
    ...judge(scenario.expectations, strategies, comparison),
    ...(baseline === null ? [] : heldAgainst(result, baseline)),
  ];
  return withOutcomes(result, expectations);
}

function scenarioHead({ name, sha256, recorded }: Scenario): Pick<Result, "scenario"> {
  if (recorded === null) return { scenario: { name, sha256 } };
  return recorded.sha256 === undefined ? {} : { scenario: { name, sha256: recorded.sha256 } };
}

function described(td: TdDescription, { name, recorded }: Scenario): TdDescription {
  if (recorded === null || recorded.source === "scenario") {
    return { ...td, name, source: "scenario" };
  }
  return recorded.source === "store" ? td : { ...td, name: null, source: recorded.source };
}

/** Faults are planned for teardowns: what comes before is sound. */
function withFaults({ faults, seed }: Scenario, session: Session): Session {
  return faults.length === 0 ? session : { ...session, faults: { plans: faults, seed } };
}

/** Who watches teardowns sees those that the result tells of. */
function unwatched({ observe: _, ...session }: Session): Session {
  return session;
}

/** What the TD that is torn down is called on its host. */
function mainTd({ stored }: Scenario): string {
  return stored?.td ?? MAIN_TD;
}

async function live(scenario: Scenario, kernel: string, session: Session): Promise<Life> {
  const { stored, td, steps, whatIfs } = scenario;
  const adapted = (options: TdOptions): TdOptions =>
    optionsWith(onKernel(options, kernel), whatIfs);
  const host = stored === null ? SimulatedHost.boot(adapted(td)) : restored(stored.host);
  const refusals: ExpectationResult[] = [];
  let destroyed: Result | null = null;
  for (const [i, each] of steps.entries()) {
    const about = { ...each, td: each.td === MAIN_TD ? mainTd(scenario) : each.td };
    const step = about.do === "create" ? { ...about, options: adapted(about.options) } : about;
    const isMain = each.td === MAIN_TD && step.refused === null;
    const faulty = each.do === "destroy" ? withFaults(scenario, session) : session;
    const taken = await takeStep(host, step, i, isMain ? faulty : unwatched(faulty));
    if (taken.expectation !== undefined) refusals.push(taken.expectation);
    if (taken.result !== undefined && each.td === MAIN_TD) destroyed = taken.result;
  }
  return { host, kernel, refusals, destroyed };
}

/** What was recorded is not touched: the same scenario may be run again. */
function restored(host: Parameters<typeof SimulatedHost.restore>[0]): SimulatedHost {
  return SimulatedHost.restore(structuredClone(host));
}

/** The kernels compared in one, as the command does it, or one result for each of them. */
async function teardowns(
  scenario: Scenario,
  lives: readonly Life[],
  session: Session,
): Promise<Result[]> {
  const name = mainTd(scenario);
  const compared = (those: readonly Life[]): Promise<Result> => {
    const candidates = those.map(({ host, kernel }): Candidate => {
      return { host, td: crossed(requireTd(host, name), kernel) };
    });
    const origin = { name, source: "store" as const };
    const names = scenario.strategies ?? undefined;
    return compareHosted(candidates, names, origin, withFaults(scenario, session));
  };
  if (lives.every(({ destroyed }) => destroyed === null)) return [await compared(lives)];
  const results: Result[] = [];
  for (const each of lives) results.push(each.destroyed ?? (await compared([each])));
  return results;
}
