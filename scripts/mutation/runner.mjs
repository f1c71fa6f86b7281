/**
 * StrykerJS's test runner for `npm run mutate`. The tests are loaded once and a mutant is switched
 * on inside them, so that one costs milliseconds; @stryker-mutator/vitest-runner starts vitest anew
 * for each mutant, which takes seconds (docs/decisions.md). Stryker runs this in a child process
 * whose working directory is its instrumented copy of the project, and ends that process when a
 * mutant does not come to an end.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import vm from "node:vm";
import { declareClassPlugin, PluginKind } from "@stryker-mutator/api/plugin";
import {
  DryRunStatus,
  determineHitLimitReached,
  MutantRunStatus,
  TestStatus,
  toMutantRunResult,
} from "@stryker-mutator/api/test-runner";
import * as esbuild from "esbuild";
import { versionDefine } from "../bundle.mjs";
import { TestCollection } from "./collection.mjs";
import { guards } from "./guards.mjs";

/** @typedef {import("@stryker-mutator/api/test-runner").TestResult} TestResult */
/** @typedef {import("./collection.mjs").CollectedTest} CollectedTest */
/** Counts by test and mutant. @typedef {Record<string, Record<string, number>>} Coverage */

const BUNDLE = "mutation-tests.cjs";
const DURATIONS = "mutation-durations.json";
const require = createRequire(import.meta.url);

/** Of the random tests' samples: small, for every mutant that survives has all of them run. */
const SAMPLE_SHARE = "0.04";

/** More than src has. */
const MAX_MUTANTS = 100_000;

/** One CommonJS text of the tests and all that they import from the project. */
async function bundle() {
  const files = guards(readdirSync("test", { recursive: true, encoding: "utf8" }));
  const entry = files.map((file) => {
    const path = JSON.stringify(`./test/${file}`);
    return `__tests.begin(${path}); require(${path});`;
  });
  const { outputFiles } = await esbuild.build({
    stdin: { contents: entry.join("\n"), resolveDir: process.cwd() },
    bundle: true,
    write: false,
    format: "cjs",
    platform: "node",
    target: "node20",
    packages: "external",
    logLevel: "error",
    // Files of the project are found from test/support alone.
    define: { ...versionDefine, "import.meta.url": "__testSupportUrl" },
  });
  writeFileSync(BUNDLE, /** @type {esbuild.OutputFile} */ (outputFiles[0]).text);
}

/**
 * The bundle as a function that loads the tests anew with each call. What Stryker's instrumenter
 * wrote asks a function before every expression which mutant is active; asking a variable instead
 * makes the tests several times faster.
 * @param {string} text
 * @param {boolean} counting counts how often each mutant's place is passed
 */
function compile(text, counting) {
  const switched = text
    .replace(/stryMutAct_9fa48\d*\("(\d+)"\)/g, "(__active.id === $1 && __active.hit())")
    .replace(/stryCov_9fa48\d*\(((?:\s*"\d+",?)+\s*)\)/g, (_, ids) => {
      const places = String(ids).match(/\d+/g) ?? [];
      return counting ? `(${places.map((id) => `__passed[${id}]++`).join(", ")})` : "0";
    });
  const parameters = "require, module, exports, __tests, __testSupportUrl, __active, __passed";
  return new vm.Script(`((${parameters}) => {${switched}\n})`, {
    filename: resolve(BUNDLE),
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  }).runInThisContext();
}

const NONE = -1;
const ENDLESS = Symbol("endless");

/** The mutant that is switched on. */
class Active {
  id = NONE;
  hits = 0;
  /** @type {number | undefined} */
  limit;

  hit() {
    this.hits++;
    if (this.limit !== undefined && this.hits > this.limit) throw new Error("hit limit reached");
    return true;
  }
}

class InProcessRunner {
  #active = new Active();
  /** @type {CollectedTest[]} */
  #tests = [];
  /** Milliseconds by test, from the first run. @type {Record<string, number>} */
  #durations = {};
  /** Mutants by the test that noticed them. @type {Record<string, number>} */
  #kills = {};
  #text = "";
  /** @type {Function | undefined} */
  #load;

  capabilities() {
    return { reloadEnvironment: true };
  }

  async init() {
    // Which tests kill a mutant may not depend on chance.
    process.env["TDX_SIM_TEST_SEED"] ??= "20261123";
    process.env["TDX_SIM_TEST_SHARE"] = SAMPLE_SHARE;
    const { configureGlobal } = await import("fast-check");
    configureGlobal({ endOnFailure: true });
    if (!existsSync(BUNDLE)) await bundle();
    this.#text = readFileSync(BUNDLE, "utf8");
    if (existsSync(DURATIONS)) this.#durations = JSON.parse(readFileSync(DURATIONS, "utf8"));
  }

  /** @returns {Promise<import("@stryker-mutator/api/test-runner").DryRunResult>} */
  async dryRun() {
    const passed = new Uint32Array(MAX_MUTANTS);
    this.#loadTests(compile(this.#text, true), passed);
    const mutantCoverage = { static: counts(passed), perTest: /** @type {Coverage} */ ({}) };
    /** @type {TestResult[]} */
    const tests = [];
    // Backwards: a test that needs those before it would fail, and could not judge a mutant alone.
    for (const test of this.#tests.reverse()) {
      passed.fill(0);
      const result = /** @type {TestResult} */ (await outcome(test));
      tests.push(result);
      mutantCoverage.perTest[test.id] = counts(passed);
      this.#durations[test.id] = result.timeSpentMs;
    }
    writeFileSync(DURATIONS, JSON.stringify(this.#durations));
    this.#tests = [];
    // What tests reach again is judged by them; Stryker would run all tests for what loading reached.
    for (const places of Object.values(mutantCoverage.perTest)) {
      for (const id of Object.keys(places)) delete mutantCoverage.static[id];
    }
    return { status: DryRunStatus.Complete, tests, mutantCoverage };
  }

  /**
   * @param {import("@stryker-mutator/api/test-runner").MutantRunOptions} options
   * @returns {Promise<import("@stryker-mutator/api/test-runner").MutantRunResult>}
   */
  async mutantRun({ activeMutant, mutantActivation, reloadEnvironment, testFilter, hitLimit }) {
    const active = this.#active;
    const id = Number(activeMutant.id);
    Object.assign(active, {
      id: mutantActivation === "static" ? id : NONE,
      hits: 0,
      limit: hitLimit,
    });
    if (reloadEnvironment || this.#tests.length === 0) {
      try {
        const load = this.#load ?? compile(this.#text, false);
        this.#load = load;
        this.#loadTests(load);
      } catch (error) {
        // vitest too would fail: files that cannot be loaded.
        this.#tests = [];
        const failureMessage = `loading the tests: ${error}`;
        return { status: MutantRunStatus.Killed, killedBy: [], failureMessage, nrOfTests: 0 };
      }
    }
    active.id = id;
    /** @type {TestResult[]} */
    const tests = [];
    for (const test of this.#chosen(testFilter)) {
      const result = await outcome(test, this.#limitOf(test));
      if (result === ENDLESS) {
        // What was broken off in its middle may have left anything behind.
        this.#tests = [];
        return { status: MutantRunStatus.Timeout, reason: test.id };
      }
      tests.push(result);
      if (result.status === TestStatus.Failed) {
        this.#kills[test.id] = (this.#kills[test.id] ?? 0) + 1;
        break;
      }
    }
    const endless = determineHitLimitReached(active.hits, hitLimit);
    return toMutantRunResult(endless ?? { status: DryRunStatus.Complete, tests });
  }

  /** @param {Function} load @param {Uint32Array} [passed] */
  #loadTests(load, passed) {
    const collection = new TestCollection();
    const module = { exports: {} };
    const resolved = (/** @type {string} */ name) =>
      name === "vitest" ? collection.api : require(name);
    const url = pathToFileURL(join(process.cwd(), "test/support/vectors.ts")).href;
    load(resolved, module, module.exports, collection, url, this.#active, passed);
    this.#tests = collection.tests;
  }

  /** Short ones that noticed much come first. @param {readonly string[] | undefined} filter */
  #chosen(filter) {
    const wanted = filter === undefined ? undefined : new Set(filter);
    const cost = (/** @type {CollectedTest} */ { id }) =>
      (this.#durations[id] ?? 0) / (1 + (this.#kills[id] ?? 0));
    return this.#tests
      .filter(({ id }) => wanted?.has(id) ?? true)
      .sort((a, b) => cost(a) - cost(b));
  }

  /** Milliseconds after which a test never ends. @param {CollectedTest} test */
  #limitOf({ id }) {
    return 2000 + 10 * (this.#durations[id] ?? 0);
  }
}

/** How often each mutant's place was passed, by mutant. @param {Uint32Array} passed */
function counts(passed) {
  /** @type {Record<string, number>} */
  const found = {};
  for (const [id, count] of passed.entries()) if (count > 0) found[id] = count;
  return found;
}

/**
 * Runs a test, and breaks it off when it takes longer than `limit` milliseconds: an endless loop
 * before its first await by vm's watchdog, which works on everything that is called from inside,
 * an endless wait by a timer. For a loop after an await there is Stryker, which ends the process.
 * @param {CollectedTest} test
 * @param {number} limit
 * @returns {Promise<TestResult | typeof ENDLESS>}
 */
async function outcome({ id, name, file, run }, limit = Number.POSITIVE_INFINITY) {
  const began = performance.now();
  const about = { id, name, fileName: file };
  try {
    const going = limit === Number.POSITIVE_INFINITY ? run() : watched(run, limit);
    if ((await going) === ENDLESS) return ENDLESS;
    return { ...about, timeSpentMs: performance.now() - began, status: TestStatus.Success };
  } catch (error) {
    if (/** @type {any} */ (error)?.code === "ERR_SCRIPT_EXECUTION_TIMEOUT") return ENDLESS;
    const failureMessage = error instanceof Error ? error.message : String(error);
    const timeSpentMs = performance.now() - began;
    return { ...about, timeSpentMs, status: TestStatus.Failed, failureMessage };
  }
}

const CALL = new vm.Script("__mutationTest()");

/** @param {() => unknown} run @param {number} limit */
function watched(run, limit) {
  Object.assign(globalThis, { __mutationTest: run });
  const going = CALL.runInThisContext({ timeout: Math.ceil(limit) });
  if (!(going instanceof Promise)) return going;
  const began = process.cpuUsage();
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const late = new Promise((resolve) => {
    const look = () => {
      const { user, system } = process.cpuUsage(began);
      // Waiting for a busy machine is not the test's doing.
      if ((user + system) / 1000 >= limit) resolve(ENDLESS);
      else timer = setTimeout(look, limit);
    };
    timer = setTimeout(look, limit);
  });
  return Promise.race([going, late]).finally(() => clearTimeout(timer));
}

export const strykerPlugins = [
  declareClassPlugin(PluginKind.TestRunner, "in-process", /** @type {any} */ (InProcessRunner)),
];
