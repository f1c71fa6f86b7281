/** `--out DIR`: what a run was asked, what it gave, and what both were made of. */
import { join } from "node:path";
import type { Command } from "commander";
import type { Result } from "../lab/result.ts";
import { configOf, filesBeside } from "../lab/scenario/config.ts";
import { sha256Of } from "../lab/scenario/names.ts";
import type { Scenario } from "../lab/scenario/scenario.ts";
import { renderJson } from "../report/json.ts";
import { type OutputFile, openOutputFile } from "../store/output-file.ts";
import { fileFailure, makeDirectories, storage } from "../store/storage.ts";
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

export interface RunRecord {
  /** Writes the three files, and beside them what the scenario needs besides. */
  write(scenario: Scenario, result: Result): void;
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
    makeDirectory(directory);
    for (const name of FILES) files.push(openOutputFile(join(directory, name)));
  } catch (error) {
    discard();
    throw error;
  }
  return {
    discard,
    write(scenario, result) {
      const beside = filesBeside(scenario);
      for (const [name, text] of beside) openOutputFile(join(directory, name)).write(text);
      const config = `${JSON.stringify(configOf(scenario), null, 2)}\n`;
      const text = renderJson(result);
      const texts = [["config.json", config], ["result.json", text], ...beside] as const;
      for (const content of [config, text, manifestOf(result, texts)]) {
        files.shift()?.write(content);
      }
    },
  };
}

function makeDirectory(path: string): void {
  try {
    makeDirectories(storage, path);
  } catch (error) {
    throw fileFailure(error, { verb: "create", path, creates: true });
  }
}

function manifestOf(
  result: Result,
  files: readonly (readonly [name: string, text: string])[],
): string {
  const manifest: Manifest = {
    schema: "tdx-sim/manifest/v1",
    simulated: true,
    version: result.version,
    module: result.module,
    profile: result.profile,
    scenario: result.scenario ?? null,
    seed: result.seed,
    argv: process.argv.slice(2),
    files: Object.fromEntries(files.map(([name, text]) => [name, sha256Of(text)])),
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
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
