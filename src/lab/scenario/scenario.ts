import type { Profile } from "../../cost/profile.ts";
import { parseProfile } from "../../cost/profile-schema.ts";
import { Failure } from "../../units/failure.ts";
import { didYouMean } from "../../units/nearest.ts";
import { parseSize } from "../../units/size.ts";
import { type Baseline, NOTHING_ALLOWED } from "../expect/baseline.ts";
import { withBound } from "../expect/baseline-file.ts";
import {
  checkExpectations,
  type Expectation,
  type PlannedStrategy,
} from "../expect/expectation.ts";
import { parseExpectation } from "../expect/parse.ts";
import { type FaultPlan, parseFault } from "../faults/fault-plan.ts";
import { GENERATIONS } from "../kernels.ts";
import type { PlatformShape } from "../platforms.ts";
import { DEFAULT_TD, resolveTdOptions, type TdOptions } from "../td-options.ts";
import { parseWhatIfs, type WhatIf } from "../what-if.ts";
import { type Names, type StoredStart, sha256Of } from "./names.ts";
import type { ScenarioFile, ScenarioStep, ScenarioTd } from "./schema.ts";
import { type Path, parseSource, type ScenarioSource } from "./source.ts";
import { MAIN_TD, type Step, strategiesOn } from "./step.ts";
import { validate } from "./validate.ts";

/** A scenario with everything looked up and every default filled in. */
export interface Scenario {
  readonly name: string;
  /** Of the bytes of its file. */
  readonly sha256: string;
  readonly kernels: readonly string[];
  readonly td: TdOptions;
  readonly profile: Profile;
  readonly seed: number;
  readonly step: boolean;
  readonly steps: readonly Step[];
  /** Strategies by which copies of the TD are torn down after the steps; null is all. */
  readonly strategies: readonly string[] | null;
  /** SEAMCALLs of the teardowns that are to fail. */
  readonly faults: readonly FaultPlan[];
  /** Ideas that no kernel has, on top of every generation. */
  readonly whatIfs: readonly WhatIf[];
  readonly expectations: readonly Expectation[];
  readonly baseline: Baseline | null;
  readonly recorded: NonNullable<ScenarioFile["recorded"]> | null;
  readonly stored: StoredStart | null;
}

/**
 * Reads a scenario and looks up everything it names, so that it cannot fail half-way over a name.
 *
 * @throws Failure `data` with file, line, column and path
 */
export async function loadScenario(text: string, origin: string, names: Names): Promise<Scenario> {
  const source = await parseSource(text, origin);
  const file = validate(source);
  const lookup = new Lookup(source, names);
  const kernels = lookup.kernels(file.kernel);
  const platform = lookup.platform(file.platform);
  const td = lookup.td(["td"], { ...file.td }, { platform, kernel: kernels[0] as string });
  const steps = (file.steps ?? DEFAULT_STEPS).map((step, i) => lookup.step(["steps", i], step, td));
  const strategies = file.strategies ?? null;
  const planned = lookup.planned(kernels, steps, strategies);
  return {
    name: file.name,
    sha256: sha256Of(text),
    kernels,
    td,
    profile: await lookup.profile(file.profile),
    seed: file.seed ?? 1,
    step: file.step ?? false,
    steps,
    strategies,
    faults: lookup.faults(file),
    whatIfs: lookup.whatIfs(file.whatIf ?? []),
    expectations: lookup.expectations(file.expect ?? [], planned),
    baseline: lookup.baseline(file),
    recorded: file.recorded ?? null,
    stored: lookup.stored(file.recorded),
  };
}

const DEFAULT_STEPS: readonly ScenarioStep[] = [{ do: "create" }, { do: "populate" }];

/** Strategies of which there will be a result. */
export function plannedStrategies(
  scenario: Pick<Scenario, "kernels" | "steps" | "strategies">,
): PlannedStrategy[] {
  const { kernels, steps, strategies } = scenario;
  const destroyed = steps.flatMap((step) =>
    step.do === "destroy" && step.td === MAIN_TD && step.refused === null ? [step.strategy] : [],
  );
  return kernels.flatMap((kernel) => {
    const chosen = destroyed.length > 0 ? destroyed : strategiesOn(kernel, kernels, strategies);
    return chosen.map((strategy) => ({ strategy, kernel }));
  });
}

class Lookup {
  readonly #source: ScenarioSource;
  readonly #names: Names;

  constructor(source: ScenarioSource, names: Names) {
    this.#source = source;
    this.#names = names;
  }

  /** Does `work`; what it finds wrong is told with its place in the file. */
  #at<T>(path: Path, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw this.#placed(path, error);
    }
  }

  #placed(path: Path, error: unknown): unknown {
    if (!(error instanceof Failure) || error.kind === "io") return error;
    return this.#source.fault(path, error.message, { hint: error.hint, cause: error });
  }

  kernels(named: ScenarioFile["kernel"]): string[] {
    const kernels = typeof named === "string" ? [named] : (named ?? [DEFAULT_TD.kernel]);
    for (const [i, kernel] of kernels.entries()) {
      if (GENERATIONS.has(kernel)) continue;
      const known = [...GENERATIONS.keys()];
      const path = typeof named === "string" ? ["kernel"] : ["kernel", i];
      throw this.#source.fault(path, `there is no kernel generation ${JSON.stringify(kernel)}`, {
        hint: didYouMean(kernel, known),
      });
    }
    return [...kernels];
  }

  platform(named: ScenarioFile["platform"]): PlatformShape | null {
    if (typeof named !== "string") return named ?? null;
    return this.#at(["platform"], () => this.#names.platform(named));
  }

  async profile(named: ScenarioFile["profile"]): Promise<Profile> {
    try {
      if (typeof named !== "object") return await this.#names.profile(named);
      return parseProfile(named, "the profile");
    } catch (error) {
      throw this.#placed(["profile"], error);
    }
  }

  td(path: Path, given: ScenarioTd, base: Partial<TdOptions>): TdOptions {
    const { shape, memory, populated, initialImage, ...others } = given;
    const named = shape === undefined ? {} : this.#shape([...path, "shape"], shape, base);
    const sizes = {
      memoryBytes: this.#size([...path, "memory"], memory),
      populatedBytes: this.#size([...path, "populated"], populated),
      initialImageBytes: this.#size([...path, "initialImage"], initialImage),
    };
    const present = Object.entries(sizes).filter(([, bytes]) => bytes !== undefined);
    const options = { ...base, ...named, ...others, ...Object.fromEntries(present) };
    return this.#at(path, () => resolveTdOptions(options));
  }

  #shape(path: Path, name: string, { platform }: Partial<TdOptions>): Partial<TdOptions> {
    const { packages, ...shape } = this.#at(path, () => this.#names.shape(name));
    // As on the command line: a platform that is named knows better how many packages there are.
    const fixed = platform?.packages ?? packages;
    return fixed === undefined ? shape : { ...shape, packages: fixed };
  }

  #size(path: Path, size: string | number | undefined): number | undefined {
    return typeof size === "string" ? this.#at(path, () => parseSize(size)) : size;
  }

  step(path: Path, step: ScenarioStep, base: TdOptions): Step {
    const { td = MAIN_TD, refused = null } = step;
    const about = { td, refused };
    switch (step.do) {
      case "create": {
        const { do: verb, td: _name, refused: _errno, count = null, ...given } = step;
        const options = Object.keys(given).length === 0 ? base : this.#other(path, given, base);
        return { do: verb, ...about, count, options };
      }
      case "populate": {
        const bytes = this.#size([...path, "size"], step.size) ?? null;
        return { do: "populate", ...about, bytes, finalize: step.finalize ?? true };
      }
      case "run":
        return { do: "run", ...about, vcpus: step.vcpus ?? null };
      case "convert":
        return { do: "convert", ...about, ...this.#part(path, step), to: step.to ?? "shared" };
      case "punch":
        return { do: "punch", ...about, ...this.#part(path, step) };
      case "destroy":
        return { do: "destroy", ...about, strategy: step.strategy };
    }
  }

  #part(path: Path, { at = 0, size }: { at?: string | number; size: string | number }) {
    return {
      at: this.#size([...path, "at"], at) as number,
      bytes: this.#size([...path, "size"], size) as number,
    };
  }

  /** A TD on the same host: what the step does not say is as for the first TD. */
  #other(path: Path, given: ScenarioTd, base: TdOptions): TdOptions {
    const { populatedBytes, ...common } = base;
    const isWhole = populatedBytes === base.memoryBytes || given.memory !== undefined;
    return this.td(path, given, isWhole ? common : base);
  }

  planned(
    kernels: readonly string[],
    steps: readonly Step[],
    strategies: readonly string[] | null,
  ): PlannedStrategy[] {
    const all = [...GENERATIONS.values()].flatMap((each) =>
      each.strategies.map(({ name }) => name),
    );
    const check = (path: Path, strategy: string): void => {
      if (all.includes(strategy)) return;
      throw this.#source.fault(path, `there is no strategy ${JSON.stringify(strategy)}`, {
        hint: didYouMean(strategy, all),
      });
    };
    for (const [i, step] of steps.entries()) {
      if (step.do === "destroy") check(["steps", i, "strategy"], step.strategy);
    }
    for (const [i, strategy] of (strategies ?? []).entries()) check(["strategies", i], strategy);
    return plannedStrategies({ kernels, steps, strategies });
  }

  whatIfs(texts: readonly string[]): WhatIf[] {
    return this.#at(["whatIf"], () => parseWhatIfs(texts));
  }

  faults({ faults = [], faultAny = false }: ScenarioFile): FaultPlan[] {
    return faults.map((text, i) => this.#at(["faults", i], () => parseFault(text, faultAny)));
  }

  expectations(
    expected: NonNullable<ScenarioFile["expect"]>,
    planned: readonly PlannedStrategy[],
  ): Expectation[] {
    return expected.map((each, i) => {
      const path = typeof each === "string" ? ["expect", i] : ["expect", i, "that"];
      const text = typeof each === "string" ? each : each.that;
      const level = typeof each === "string" ? "error" : (each.level ?? "error");
      return this.#at(path, () => {
        const comparison = parseExpectation(text, [...GENERATIONS.keys()]);
        checkExpectations([{ comparison, level }], planned);
        return { comparison, level };
      });
    });
  }

  baseline({ baseline, maxRegression }: ScenarioFile): Baseline | null {
    const texts = typeof maxRegression === "string" ? [maxRegression] : (maxRegression ?? []);
    const bounds = this.#at(["maxRegression"], () => texts.reduce(withBound, NOTHING_ALLOWED));
    if (baseline !== undefined) {
      return this.#at(["baseline"], () => this.#names.baseline(baseline, bounds));
    }
    if (maxRegression === undefined) return null;
    throw this.#source.fault(["maxRegression"], "it bounds a growth, but there is no baseline");
  }

  stored(recorded: ScenarioFile["recorded"]): StoredStart | null {
    const { source, store } = recorded ?? {};
    if (source !== "store") return null;
    const path = ["recorded", "store"];
    if (store === undefined) throw this.#source.fault(["recorded"], "store is missing");
    const found = this.#at(path, () => this.#names.storedHost(store.file));
    if (sha256Of(found.text) !== store.sha256) {
      throw this.#source.fault(path, `${store.file} is not the host that was recorded`);
    }
    return { td: store.td, ...found };
  }
}
