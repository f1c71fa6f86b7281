/** `--out DIR`: what a run was asked, what it gave, and what both were made of. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Command } from "commander";
import type { Result } from "../lab/result.ts";
import { configOf } from "../lab/scenario/config.ts";
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
  /** Writes the three files. */
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
      const config = `${JSON.stringify(configOf(scenario), null, 2)}\n`;
      const text = renderJson(result);
      for (const content of [config, text, manifestOf(result, config, text)]) {
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

function manifestOf(result: Result, config: string, text: string): string {
  const manifest: Manifest = {
    schema: "tdx-sim/manifest/v1",
    simulated: true,
    version: result.version,
    module: result.module,
    profile: result.profile,
    scenario: result.scenario ?? null,
    seed: result.seed,
    argv: process.argv.slice(2),
    files: { "config.json": sha256(config), "result.json": sha256(text) },
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
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
