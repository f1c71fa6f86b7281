/**
 * Takes a random part of all mutants, for a figure in minutes: `TDX_SIM_MUTATE_SAMPLE=0.2` is a
 * fifth, and TDX_SIM_TEST_SEED gives another fifth. Stryker has no word for a mutant that was not
 * drawn: they are listed as errors, which count neither for nor against the score.
 */
import { createHash } from "node:crypto";
import { declareClassPlugin, PluginKind } from "@stryker-mutator/api/plugin";

export const SHARE = Number(process.env["TDX_SIM_MUTATE_SAMPLE"] ?? 1);
const SEED = process.env["TDX_SIM_TEST_SEED"] ?? "20261123";
const NOT_DRAWN = { status: "compileError", reason: "not drawn" };

/** @typedef {import("@stryker-mutator/api/core").Mutant} Mutant */

/** Whether the mutant is one of the sample, by what it changes and not by its number. */
function isDrawn(/** @type {Mutant} */ { fileName, location, mutatorName, replacement }) {
  // The copy of the project has another folder with each run.
  const file = fileName.slice(fileName.lastIndexOf("/src/"));
  const mutant = JSON.stringify([SEED, file, location, mutatorName, replacement]);
  const drawn = createHash("sha256").update(mutant).digest().readUInt32BE();
  return drawn < SHARE * 2 ** 32;
}

class Sample {
  async init() {}

  /** All at once. @param {Mutant[]} mutants */
  async group(mutants) {
    return [mutants.map(({ id }) => id)];
  }

  /** @param {Mutant[]} mutants */
  async check(mutants) {
    return Object.fromEntries(
      mutants.map((mutant) => [mutant.id, isDrawn(mutant) ? { status: "passed" } : NOT_DRAWN]),
    );
  }
}

export const strykerPlugins = [
  declareClassPlugin(PluginKind.Checker, "sample", /** @type {any} */ (Sample)),
];
