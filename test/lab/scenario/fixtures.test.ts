import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { readScenario, readScenarioText } from "../../../src/cli/scenario-input.ts";
import { GENERATIONS, strategyNames } from "../../../src/lab/kernels.ts";
import type { Result } from "../../../src/lab/result.ts";
import { configOf } from "../../../src/lab/scenario/config.ts";
import { runScenario } from "../../../src/lab/scenario/run-scenario.ts";
import { loadScenario, type Scenario } from "../../../src/lab/scenario/scenario.ts";
import { render } from "../../../src/report/formats/json.ts";

const DIRECTORY = fileURLToPath(new URL("../../../fixtures/scenarios", import.meta.url));
const FILES = readdirSync(DIRECTORY).filter((name) => name.endsWith(".yaml"));

function read(file: string): Promise<Scenario> {
  const path = join(DIRECTORY, file);
  return readScenario(readScenarioText(path), path);
}

function run(scenario: Scenario): Promise<Result> {
  return runScenario(scenario, { step: false });
}

describe("every scenario of the fixtures", () => {
  test.each(FILES)("%s is called as its file, and what it expects comes true", async (file) => {
    const scenario = await read(file);
    const result = await run(scenario);
    const failed = (result.expectations ?? []).filter(
      ({ passed, level }) => !passed && level === "error",
    );
    expect(scenario.name).toBe(basename(file, ".yaml"));
    expect(failed).toEqual([]);
    expect(result.expectations?.length ?? 0).toBeGreaterThan(0);
  });

  test.each(FILES)("%s written out with its defaults gives the same bytes again", async (file) => {
    const scenario = await read(file);
    const config = JSON.stringify(configOf(scenario));
    const names = {
      shape: () => ({}),
      platform: () => expect.fail("a config names no platform"),
      profile: (name: string | undefined) =>
        name === scenario.profile.name
          ? Promise.resolve(scenario.profile)
          : expect.fail(`a config names no profile ${name}`),
      baseline: () => expect.fail("a config of these names no baseline"),
      storedHost: () => expect.fail("a config of these names no stored host"),
    };
    const again = await loadScenario(config, "config.json", names);
    expect(render([await run(again)])).toBe(render([await run(scenario)]));
    expect(JSON.stringify(configOf(again))).toBe(config);
  });
});

describe("the scenarios together", () => {
  test("cover every step, strategy and kernel generation", async () => {
    const scenarios = await Promise.all(FILES.map(read));
    const steps = new Set(scenarios.flatMap((each) => each.steps.map((step) => step.do)));
    const kernels = new Set(scenarios.flatMap((each) => each.kernels));
    const results = await Promise.all(scenarios.map(run));
    const strategies = new Set(results.flatMap((each) => each.strategies.map((s) => s.strategy)));
    expect([...steps].sort()).toEqual(["convert", "create", "destroy", "populate", "punch", "run"]);
    expect([...kernels].sort()).toEqual([...GENERATIONS.keys()].sort());
    expect([...strategies].sort()).toEqual(strategyNames().sort());
    expect(scenarios.length).toBeGreaterThanOrEqual(15);
  });
});

test("the regression of the fixtures is caught", async () => {
  const guard = await read("../regression/guard.yaml");
  const { expectations = [] } = await run(guard);
  expect(expectations.map(({ passed }) => passed)).toEqual([false]);
});
