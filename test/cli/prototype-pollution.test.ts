import { join } from "node:path";
import { expect, test } from "vitest";
import { Chance } from "../model/chance.ts";
import { calmFaults } from "../support/calm-result.ts";
import { runCli } from "../support/cli.ts";
import { runInProcess } from "../support/cli-in-process.ts";
import { inputKinds } from "../support/fuzzed-inputs.ts";
import { PATIENCE, replay, runs, testSeed } from "../support/sample.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { tally } from "../support/totals.ts";

const FILE = "test/cli/prototype-pollution.test.ts";
const SANDBOX = temporaryDirectory("sandbox");
const ENVIRONMENT = { HOME: SANDBOX, TDX_SIM_STORE: join(SANDBOX, "store") };
const POISONS = [
  '"__proto__": {"polluted": 1}',
  '"constructor": {"prototype": {"polluted": 1}}',
  '"toString": 1, "valueOf": 1, "hasOwnProperty": 1',
  '"__proto__": null',
];
const KINDS = (await inputKinds(SANDBOX)).flatMap((kind) =>
  kind.sound
    .filter((bytes) => Buffer.from(bytes).includes("{"))
    .map((bytes) => ({ ...kind, bytes })),
);

/** A sound file with a poisonous key in one of its objects. */
function poisoned(bytes: Uint8Array, chance: Chance): Uint8Array {
  const pieces = Buffer.from(bytes).toString("utf8").split("{");
  const at = chance.integer(1, pieces.length - 1);
  const comma = /^\s*}/.test(pieces[at] ?? "") ? "" : ", ";
  pieces[at] = `${chance.pick(POISONS)}${comma}${pieces[at]}`;
  return Buffer.from(pieces.join("{"));
}

test(
  "no key of any file reaches Object.prototype",
  async () => {
    const seed = testSeed();
    const before = Reflect.ownKeys(Object.prototype);
    for (let round = 0; round < 200; round++) {
      const chance = new Chance(seed + round);
      const { place, commands, bytes } = chance.pick(KINDS);
      place(poisoned(bytes, chance));
      const args = chance.pick(commands);
      const result = await runInProcess(args, ENVIRONMENT);
      const about = `${args.join(" ")}: ${result.stderr}${replay(FILE, seed + round)}`;
      expect(Reflect.ownKeys(Object.prototype), about).toEqual(before);
      expect(calmFaults(result).faults, about).toEqual([]);
    }
  },
  PATIENCE,
);

test(
  "the program runs where __proto__ throws",
  async () => {
    const env = { NODE_OPTIONS: "--disable-proto=throw", HOME: SANDBOX };
    const rounds = runs(5, 200);
    tally("S4", rounds, "files with poisonous keys");
    for (let round = 0; round < rounds; round++) {
      const chance = new Chance(testSeed() + round);
      const { place, commands, bytes } = chance.pick(KINDS);
      place(poisoned(bytes, chance));
      const args = chance.pick(commands);
      const result = await runCli(args, { env, store: ENVIRONMENT.TDX_SIM_STORE });
      expect(calmFaults(result).faults, `${args.join(" ")}: ${result.stderr}`).toEqual([]);
    }
  },
  PATIENCE,
);
