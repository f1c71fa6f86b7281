import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { Chance } from "../model/chance.ts";
import { type CalmFaults, calmFaults, TABS } from "../support/calm-result.ts";
import { type CliResult, runCli } from "../support/cli.ts";
import { runInProcess } from "../support/cli-in-process.ts";
import { commandForms } from "../support/command-grammar.ts";
import { type Places, randomArguments } from "../support/random-arguments.ts";
import { PATIENCE, replay, runs, testSeed } from "../support/sample.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { tally } from "../support/totals.ts";
import { WriteGuard } from "../support/write-guard.ts";

const FILE = "test/cli/argument-fuzzing.test.ts";
/** Command lines that work on one store, one after the other. */
const LIFE_LENGTH = 20;
const LIVES = runs(1000, 50_000);
/** What takes longer neither ended nor listened to Ctrl-C. */
const SLOW_MS = 5000;

const FORMS = await commandForms();
const FIXTURES = new URL("../../fixtures/", import.meta.url).pathname;
const GOOD_FILES = [
  ...["scenarios/large-pages.yaml", "profiles/published-2025.json", "published-teardowns.csv"],
  ...["captures/exit-16g-4v.bpftrace.txt", "conformance/lifecycles.ndjson.gz", "tds.json"],
].map((file) => join(FIXTURES, file));

function placesIn(sandbox: string): Places {
  const output = join(sandbox, "output");
  mkdirSync(join(output, "dir"), { recursive: true });
  const odd = join(sandbox, "odd.json");
  writeFileSync(odd, '{"schema":"tdx-sim/result/v1"}');
  return { output, inputs: [...GOOD_FILES, odd, sandbox, join(sandbox, "none.yaml")] };
}

/** How a run ended; completions are told with tabs. */
function calm(args: readonly string[], result: CliResult): CalmFaults {
  return calmFaults(result, args[0]?.startsWith("compl") ? TABS : undefined);
}

/** The argument without what would lead a program out of its directory. */
function tamed(text: string): string {
  // No argument of a process can hold a NUL.
  if (GOOD_FILES.includes(text)) return text;
  return text.replaceAll("\0", "").replaceAll(/(^|=)\/+/g, "$1");
}

test(
  "no arguments crash the program, hang it, or make it write elsewhere; JSON keeps to its schema",
  async () => {
    const sandbox = temporaryDirectory("sandbox");
    const guard = new WriteGuard(sandbox);
    // Completions are printed by the package that makes them.
    const log = vi.spyOn(console, "log").mockReturnValue();
    const seed = testSeed();
    tally("S1", LIVES * LIFE_LENGTH, "command lines");
    let documents = 0;
    try {
      for (let life = 0; life < LIVES; life++) {
        const chance = new Chance(seed + life);
        rmSync(sandbox, { recursive: true });
        const places = placesIn(sandbox);
        const environment = { HOME: sandbox, TDX_SIM_STORE: join(sandbox, "store") };
        for (let turn = 0; turn < LIFE_LENGTH; turn++) {
          const args = randomArguments(FORMS, places, chance);
          const result = await runInProcess(args, environment);
          const slow = result.elapsedMs > SLOW_MS ? [`took ${result.elapsedMs} ms`] : [];
          const about = `${JSON.stringify(args)}\n${result.stderr}${replay(FILE, seed + life)}`;
          const { faults, documents: held } = calm(args, result);
          const all = [...faults, ...slow, ...guard.unasked(args)];
          if (all.length > 0) expect(all, about).toEqual([]);
          documents += held;
        }
      }
    } finally {
      guard.end();
      log.mockRestore();
    }
    expect(documents).toBeGreaterThan(LIVES / 2);
  },
  3 * PATIENCE,
);

test(
  "a program that was started with any arguments ends as calmly",
  async () => {
    const seed = testSeed();
    const rounds = runs(10, 2000);
    tally("S1", rounds, "programs started with any arguments");
    for (let round = 0; round < rounds; round++) {
      const cwd = join(temporaryDirectory("cwd"), "a/b/c/d/e/f");
      mkdirSync(cwd, { recursive: true });
      const places = { output: ".", inputs: [...GOOD_FILES, "none.yaml"] };
      const args = randomArguments(FORMS, places, new Chance(seed + round)).map(tamed);
      const result = await runCli(args, { cwd });
      const about = `${JSON.stringify(args)}; ${replay(FILE, seed + round)}`;
      expect(calm(args, result).faults, about).toEqual([]);
    }
  },
  PATIENCE,
);
