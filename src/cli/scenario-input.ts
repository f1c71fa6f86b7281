import { dirname, isAbsolute, join } from "node:path";
import type { Names, Scenario } from "../lab/scenario/scenario.ts";
import { SCENARIO_BYTES_MAX } from "../lab/scenario/source.ts";
import { inputName, readInput } from "./input-file.ts";
import { findPlatform } from "./platform-option.ts";
import { loadProfile } from "./profile-option.ts";
import { findTdShape } from "./td-shapes.ts";

/**
 * The scenario of a file, `-` for stdin.
 *
 * @throws Failure `no-input`, `io`; `data` with file, line, column and path
 */
export async function readScenario(path: string): Promise<Scenario> {
  const { loadScenario } = await import("../lab/scenario/scenario.ts");
  const text = readInput(path, "a scenario", SCENARIO_BYTES_MAX);
  return loadScenario(text, inputName(path), namesBeside(path));
}

/** Files that a scenario names lie beside it. */
function namesBeside(path: string): Names {
  const directory = path === "-" ? "." : dirname(path);
  const located = (name: string): string => {
    if (!/[./\\]/.test(name) || isAbsolute(name)) return name;
    const beside = join(directory, name);
    // Without a dot or a slash it would be taken for the name of something built in.
    return /[./\\]/.test(beside) ? beside : `./${beside}`;
  };
  return {
    shape: findTdShape,
    platform: (name) => findPlatform(located(name)),
    profile: (name) => loadProfile(name === undefined ? undefined : located(name)),
  };
}
