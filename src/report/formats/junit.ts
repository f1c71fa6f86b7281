import { isFailed, type Result, type Run } from "../../lab/result.ts";
import { escapeControls } from "../control-characters.ts";
import { estimatedSeconds, type Outcome, outcomesOf, titleOf } from "../outcomes.ts";

export const about = "a test case for each expectation";

function isFailure({ passed, level, isError }: Outcome): boolean {
  return !passed && level === "error" && isError !== true;
}

/** Absent where there are none, as in the reports of most tools. */
function errorsOf(outcomes: readonly Outcome[]): { errors?: number } {
  const errors = outcomes.filter(({ isError }) => isError === true).length;
  return errors === 0 ? {} : { errors };
}

/**
 * A test suite for each run and a test case for each expectation. `time` is the simulated
 * teardown's estimate: no clock was read. A failed warning is a passed case that says so.
 */
export async function render(runs: readonly Run[]): Promise<string> {
  const { default: xmlbuilder } = await import("xmlbuilder");
  const suites = runs.map((run) => ({ run, outcomes: outcomesOf(run) }));
  const all = suites.flatMap(({ outcomes }) => outcomes);
  const root = xmlbuilder.create("testsuites", { encoding: "UTF-8" }).att({
    name: "tdx-sim (simulated)",
    tests: all.length,
    failures: all.filter(isFailure).length,
    ...errorsOf(all),
  });
  for (const { run, outcomes } of suites) {
    const title = escapeControls(titleOf(run));
    const suite = root.ele("testsuite", {
      name: title,
      tests: outcomes.length,
      failures: outcomes.filter(isFailure).length,
      ...errorsOf(outcomes),
      ...(isFailed(run) ? {} : { time: estimatedSeconds(run).toFixed(3) }),
    });
    if (!isFailed(run)) {
      const properties = suite.ele("properties");
      for (const [name, value] of provenance(run)) properties.ele("property", { name, value });
    }
    for (const outcome of outcomes) {
      const name = escapeControls(outcome.name);
      const testcase = suite.ele("testcase", { classname: `tdx-sim.${title}`, name });
      const message = escapeControls(outcome.detail);
      if (outcome.isError) testcase.ele("error", { type: "no-result", message });
      else if (isFailure(outcome)) testcase.ele("failure", { type: "expectation", message });
      else testcase.ele("system-out", {}, outcome.passed ? message : `warning: ${message}`);
    }
  }
  return `${root.end({ pretty: true })}\n`;
}

function provenance({ version, kernel, module, profile, seed }: Result): [string, string][] {
  return [
    ["tdx-sim", version],
    ["kernel", kernel],
    ["module", module],
    ["profile", `${profile.name} ${profile.sha256}`],
    ["seed", String(seed)],
  ];
}
