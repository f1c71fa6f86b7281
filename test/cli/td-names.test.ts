import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Chance } from "../model/chance.ts";
import { calmFaults } from "../support/calm-result.ts";
import { runInProcess } from "../support/cli-in-process.ts";
import { hostileName } from "../support/hostile-names.ts";
import { PATIENCE, replay, testSeed } from "../support/sample.ts";
import { memoryDirectory } from "../support/temporary.ts";
import { tally } from "../support/totals.ts";
import { WriteGuard } from "../support/write-guard.ts";

const FILE = "test/cli/td-names.test.ts";
const NAMES = 500;
const SMALL = ["--memory", "64K", "--vcpus", "1"];
const OTHERS = [["show"], ["populate"], ["destroy"], ["compare"], ["punch", "--size", "4K"]];

/** The rule as reliability S5 has it, read character by character. */
function isTaken(name: string): boolean {
  const allowed = "abcdefghijklmnopqrstuvwxyz0123456789-";
  const characters = Array.from(name);
  const fits = characters.length > 0 && characters.length < 64 && characters[0] !== "-";
  return fits && characters.every((character) => allowed.includes(character));
}

/** Everything below a directory; what is below the store is the store's own. */
function entriesOutsideStore(sandbox: string): string[] {
  const all = readdirSync(sandbox, { recursive: true, encoding: "utf8" });
  return all.filter((path) => path !== "store" && !/^store\/host\.\d+\.json$/.test(path));
}

test(
  "only a name of a-z, 0-9 and - is taken for a TD, and nothing is made outside the store",
  async () => {
    const sandbox = join(memoryDirectory("outer"), "inner");
    const guard = new WriteGuard(sandbox);
    const environment = { HOME: sandbox, TDX_SIM_STORE: join(sandbox, "store") };
    const seed = testSeed();
    const taken: string[] = [];
    try {
      for (let round = 0; round < NAMES; round++) {
        const chance = new Chance(seed + round);
        const name = hostileName(round, chance);
        rmSync(sandbox, { recursive: true, force: true });
        mkdirSync(sandbox);
        const about = `${JSON.stringify(name)}; ${replay(FILE, seed)}`;
        const made = await runInProcess(["create", ...SMALL, "--", name], environment);
        expect(made.code, `create ${about}\n${made.stderr}`).toBe(isTaken(name) ? 0 : 64);
        if (made.code === 0) taken.push(name);
        const args = [...chance.pick(OTHERS), "--", name];
        const { code, ...rest } = await runInProcess(args, environment);
        const codes = isTaken(name) ? [0, 69] : [64, 66];
        expect(codes, `${args.join(" ")} ${about}\n${rest.stderr}`).toContain(code);
        const faults = [...calmFaults(made).faults, ...calmFaults({ code, ...rest }).faults];
        expect([...faults, ...guard.unasked([])], about).toEqual([]);
        expect(entriesOutsideStore(sandbox), about).toEqual([]);
        expect(readdirSync(sandbox), about).toEqual(isTaken(name) ? ["store"] : []);
      }
    } finally {
      guard.end();
    }
    // Enough of both kinds that the rule is seen from either side.
    expect(taken.length).toBeGreaterThan(NAMES / 20);
    expect(taken.length).toBeLessThan(NAMES / 2);
    tally("S5", NAMES, "names of TDs");
  },
  PATIENCE,
);

test(
  "no scenario's name leads out of the directory that its record is kept in",
  async () => {
    const sandbox = join(memoryDirectory("outer"), "inner");
    mkdirSync(sandbox);
    const guard = new WriteGuard(sandbox);
    const environment = { HOME: sandbox, TDX_SIM_STORE: join(sandbox, "store") };
    const files = ["one.json", "two.json"].map((file) => join(sandbox, file));
    const out = join(sandbox, "out", "deep");
    try {
      for (let round = 0; round < NAMES / 5; round++) {
        const name = hostileName(round, new Chance(testSeed() + round));
        for (const [at, file] of files.entries()) {
          const scenario = { schema: "tdx-sim/scenario/v1", name: at === 0 ? "plain" : name };
          writeFileSync(file, JSON.stringify({ ...scenario, td: { memory: "64K", vcpus: 1 } }));
        }
        const result = await runInProcess(["run", ...files, "--out", out], environment);
        const about = `${JSON.stringify(name)}; ${replay(FILE, testSeed())}`;
        expect([0, 65], `${about}\n${result.stderr}`).toContain(result.code);
        expect([...calmFaults(result).faults, ...guard.unasked([])], about).toEqual([]);
        expect(readdirSync(sandbox), about).toEqual(
          result.code === 0 ? ["one.json", "out", "two.json"] : ["one.json", "two.json"],
        );
        if (result.code !== 0) continue;
        expect(readdirSync(out).sort(), about).toEqual([name, "plain"].sort());
        expect(readdirSync(join(sandbox, "out")), about).toEqual(["deep"]);
        rmSync(join(sandbox, "out"), { recursive: true });
      }
    } finally {
      guard.end();
    }
    tally("S5", NAMES / 5, "names of scenarios");
  },
  PATIENCE,
);

test.each(["constructor", "tostring", "valueof", "hasownproperty", "con", "nul"])(
  "%j is a name of a TD like any other",
  async (name) => {
    const store = memoryDirectory("store");
    const environment = { HOME: store, TDX_SIM_STORE: store };
    expect((await runInProcess(["create", name, ...SMALL], environment)).code).toBe(0);
    expect((await runInProcess(["show", name], environment)).stdout).toContain(name);
    expect((await runInProcess(["show", `${name}s`], environment)).code).toBe(66);
  },
);
