import { BUILT_IN_PROFILES } from "../../cost/profiles/index.ts";
import { boundTexts } from "../expect/baseline-file.ts";
import type { TdOptions } from "../td-options.ts";
import { sha256Of } from "./names.ts";
import type { Scenario } from "./scenario.ts";
import type { ScenarioFile, ScenarioStep, ScenarioTd } from "./schema.ts";
import type { Step } from "./step.ts";

const BASELINE_FILE = "baseline.json";
const HOST_FILE = "host.store";

/**
 * A scenario written out, every default in it: running that gives the same result. What was
 * looked up in files (platform, profile) is part of it.
 */
export function configOf(scenario: Scenario): ScenarioFile {
  const {
    name,
    kernels,
    td,
    profile,
    seed,
    step,
    steps,
    strategies,
    faults,
    whatIfs,
    expectations,
    baseline,
    stored,
  } = scenario;
  const [first, ...others] = kernels;
  const isBuiltIn = BUILT_IN_PROFILES.get(profile.name) === profile;
  return {
    schema: "tdx-sim/scenario/v1",
    name,
    kernel: others.length === 0 && first !== undefined ? first : [...kernels],
    platform: td.platform as (ScenarioFile["platform"] & object) | null,
    profile: isBuiltIn ? profile.name : { ...profile },
    seed,
    step,
    td: tdOf(td),
    steps: steps.map(stepOf),
    ...(strategies === null ? {} : { strategies: [...strategies] }),
    ...(faults.length === 0
      ? {}
      : {
          faults: faults.map(({ text }) => text),
          faultAny: faults.some(({ isAnyStatus }) => isAnyStatus),
        }),
    ...(whatIfs.length === 0 ? {} : { whatIf: whatIfs.map(({ text }) => text) }),
    expect: expectations.map(({ comparison, level }) => ({ that: comparison.text, level })),
    ...(baseline === null
      ? {}
      : { baseline: BASELINE_FILE, maxRegression: boundTexts(baseline.bounds) }),
    recorded: {
      ...(scenario.recorded ?? { command: "run", source: "scenario", sha256: scenario.sha256 }),
      ...(stored === null
        ? {}
        : { store: { td: stored.td, file: HOST_FILE, sha256: sha256Of(stored.text) } }),
    },
  };
}

/** What lies beside a scenario that was written out, by name. */
export function filesBeside({ baseline, stored }: Scenario): [name: string, text: string][] {
  return [
    ...(baseline === null ? [] : [[BASELINE_FILE, baseline.text] as [string, string]]),
    ...(stored === null ? [] : [[HOST_FILE, stored.text] as [string, string]]),
  ];
}

function tdOf(td: TdOptions): ScenarioTd {
  const { memoryBytes, populatedBytes, initialImageBytes, vcpus, packages, lps } = td;
  const { pageSize, layout, finalize, running } = td;
  return {
    memory: memoryBytes,
    populated: populatedBytes,
    vcpus,
    packages,
    lps,
    pageSize,
    initialImage: initialImageBytes,
    layout,
    finalize,
    running,
  };
}

function stepOf(step: Step): ScenarioStep {
  const { td } = step;
  const about = { td, ...(step.refused === null ? {} : { refused: step.refused }) };
  switch (step.do) {
    case "create": {
      const count = step.count === null ? {} : { count: step.count };
      return { do: "create", ...about, ...tdOf(step.options), ...count };
    }
    case "populate": {
      const size = step.bytes === null ? {} : { size: step.bytes };
      return { do: "populate", ...about, ...size, finalize: step.finalize };
    }
    case "run":
      return { do: "run", ...about, ...(step.vcpus === null ? {} : { vcpus: step.vcpus }) };
    case "convert":
      return { do: "convert", ...about, at: step.at, size: step.bytes, to: step.to };
    case "punch":
      return { do: "punch", ...about, at: step.at, size: step.bytes };
    case "destroy":
      return { do: "destroy", ...about, strategy: step.strategy };
  }
}
