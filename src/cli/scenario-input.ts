import { dirname, isAbsolute, join } from "node:path";
import type { Names, StoredStart } from "../lab/scenario/names.ts";
import type { Scenario } from "../lab/scenario/scenario.ts";
import { SCENARIO_BYTES_MAX } from "../lab/scenario/source.ts";
import type { HostSnapshot } from "../lab/simulated-host.ts";
import { decodeGeneration, encodeGeneration } from "../store/envelope.ts";
import { Failure } from "../units/failure.ts";
import { inputName, readInput } from "./input-file.ts";
import { readBaseline } from "./judgement.ts";
import { findPlatform } from "./platform-option.ts";
import { loadProfile } from "./profile-option.ts";
import { findTdShape } from "./td-shapes.ts";

/**
 * What a file holds that should be a scenario or the record of a sweep, `-` for stdin.
 *
 * @throws Failure `no-input`, `io`; `data` for one that is too large
 */
export function readScenarioText(path: string): string {
  const text = readInput(path, "a scenario", SWEEP_CONFIG_BYTES_MAX);
  if (text.length <= SCENARIO_BYTES_MAX || saysSweepConfig(text)) return text;
  throw new Failure("data", `${inputName(path)} is too large for a scenario`);
}

/** Whether a text says that it is one; that it is one has yet to be seen. */
export function saysSweepConfig(text: string): boolean {
  return /^\s*\{\s*"schema":\s*"tdx-sim\/sweep-config\/v1"/.test(text.slice(0, 200));
}

/**
 * The scenario of a file's text.
 *
 * @throws Failure `data` with file, line, column and path
 */
export async function readScenario(text: string, path: string): Promise<Scenario> {
  const { loadScenario } = await import("../lab/scenario/scenario.ts");
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
  const beside = (name: string): string => (isAbsolute(name) ? name : join(directory, name));
  return {
    shape: findTdShape,
    platform: (name) => findPlatform(located(name)),
    profile: (name) => loadProfile(name === undefined ? undefined : located(name)),
    baseline: (name, bounds) => readBaseline(beside(name), bounds),
    storedHost: (name) => readStoredHost(beside(name)),
  };
}

/** Values of a million points. */
const SWEEP_CONFIG_BYTES_MAX = 64 * 1024 * 1024;
/** Hosts whose pages lie one by one take a few bytes for each. */
const HOST_BYTES_MAX = 2 ** 29;

function readStoredHost(path: string): Pick<StoredStart, "text" | "host"> {
  const text = readInput(path, "a stored host", HOST_BYTES_MAX);
  const decoded = decodeGeneration(1, Buffer.from(text, "utf8"));
  if (decoded.state === "good") return { text, host: JSON.parse(decoded.payload) };
  const why =
    decoded.state === "damaged" ? decoded.reason : `it is of a newer format, ${decoded.format}`;
  throw new Failure("data", `${path} is no stored host: ${why}`);
}

/** A host as text, for `readStoredHost`. */
export function storedHostText(host: HostSnapshot): string {
  return Buffer.from(encodeGeneration(1, JSON.stringify(host))).toString("utf8");
}
