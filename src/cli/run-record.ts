/** `--out DIR`: what a run was asked, what it gave, and what both were made of. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Command } from "commander";
import type { Result } from "../lab/result.ts";
import { configOf, filesBeside } from "../lab/scenario/config.ts";
import { sha256Of } from "../lab/scenario/names.ts";
import type { Scenario } from "../lab/scenario/scenario.ts";
import { VERSION } from "../lab/version.ts";
import { jsonText } from "../report/control-characters.ts";
import { render as renderJson } from "../report/formats/json.ts";
import { type OutputFile, openOutputFile } from "../store/output-file.ts";
import { makeDirectories, storage, withPath } from "../store/storage.ts";
import { Failure } from "../units/failure.ts";

export interface RecordOptions {
  readonly out?: string;
}

const FILES = ["config.json", "result.json", "manifest.json"] as const;

export function addRecordOption(command: Command): void {
  command.option("--out <dir>", "keep config.json, result.json and manifest.json there");
}

/** `tdx-sim/manifest/v1`: no time and no host name, so that equal runs have equal manifests. */
interface Manifest {
  readonly schema: "tdx-sim/manifest/v1";
  readonly simulated: true;
  readonly version: string;
  readonly module: string;
  readonly profile: Result["profile"];
  readonly scenario: Result["scenario"] | null;
  readonly seed: number;
  readonly argv: readonly string[];
  /** SHA-256 of the files beside this one. */
  readonly files: Readonly<Record<string, string>>;
}

export interface RecordContent {
  readonly config: string;
  /** In pieces; asked for more than once. */
  readonly result: () => Iterable<string>;
  readonly beside: readonly (readonly [name: string, text: string])[];
  readonly about: Pick<Manifest, "module" | "profile" | "scenario" | "seed">;
}

/** A scenario and what became of it. */
export function scenarioRecord(scenario: Scenario, result: Result): RecordContent {
  const { module, profile, seed } = result;
  const text = renderJson([result]);
  return {
    config: `${jsonText(configOf(scenario), 2)}\n`,
    result: () => [text],
    beside: filesBeside(scenario),
    about: { module, profile, seed, scenario: result.scenario ?? null },
  };
}

export interface RunRecord {
  /** Writes the three files, and beside them what the configuration needs besides. */
  write(content: RecordContent): void;
  /** Leaves every file as it was. */
  discard(): void;
}

/**
 * Opens the files of a record before the work; null without `--out`.
 *
 * @throws Failure `cannot-create`
 */
export function openRunRecord(directory: string | undefined): RunRecord | null {
  if (directory === undefined) return null;
  const files: OutputFile[] = [];
  const discard = (): void => {
    for (const file of files.splice(0)) file.discard();
  };
  try {
    withPath({ verb: "create", path: directory, creates: true }, () => {
      makeDirectories(storage, directory);
    });
    for (const name of FILES) files.push(openOutputFile(join(directory, name)));
  } catch (error) {
    discard();
    throw error;
  }
  return {
    discard,
    write({ config, result, beside, about }) {
      for (const [name, text] of beside) openOutputFile(join(directory, name)).write(text);
      const digests = Object.fromEntries([
        ["config.json", sha256Of(config)],
        ["result.json", digestOf(result())],
        ...beside.map(([name, text]) => [name, sha256Of(text)]),
      ]);
      for (const content of [config, result(), manifestOf(about, digests)]) {
        files.shift()?.write(content);
      }
    },
  };
}

function digestOf(pieces: Iterable<string>): string {
  const hash = createHash("sha256");
  for (const piece of pieces) hash.update(piece);
  return hash.digest("hex");
}

function manifestOf(about: RecordContent["about"], files: Manifest["files"]): string {
  const manifest: Manifest = {
    schema: "tdx-sim/manifest/v1",
    simulated: true,
    version: VERSION,
    module: about.module,
    profile: about.profile,
    scenario: about.scenario,
    seed: about.seed,
    argv: process.argv.slice(2),
    files,
  };
  return `${jsonText(manifest, 2)}\n`;
}

/**
 * Where the records of several scenarios go: one below the other, by their names.
 *
 * @throws Failure `usage` when two have the same name
 */
export function recordDirectories(out: string | undefined, names: readonly string[]): string[] {
  if (out === undefined) return [];
  if (names.length === 1) return [out];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return names.map((name) => join(out, name));
  throw new Failure("usage", `two scenarios are called ${twice}: --out has one place for both`);
}
