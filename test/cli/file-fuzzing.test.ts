import { join } from "node:path";
import { expect, test } from "vitest";
import { StopSignals } from "../../src/cli/signals.ts";
import { Chance } from "../model/chance.ts";
import { calmFaults } from "../support/calm-result.ts";
import { runInProcess } from "../support/cli-in-process.ts";
import { inputKinds } from "../support/fuzzed-inputs.ts";
import { PATIENCE, replay, runs, testSeed } from "../support/sample.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { tally } from "../support/totals.ts";
import { WriteGuard } from "../support/write-guard.ts";

const FILE = "test/cli/file-fuzzing.test.ts";
const SLOW_MS = 5000;
const SANDBOX = temporaryDirectory("sandbox");
const ENVIRONMENT = { HOME: SANDBOX, TDX_SIM_STORE: join(SANDBOX, "store") };
const KINDS = await inputKinds(SANDBOX);

test.each(KINDS)(
  "no $kind crashes the program, hangs it, or makes it print what breaks its schema",
  async ({ sound, mutate, place, commands }) => {
    const guard = new WriteGuard(SANDBOX);
    const seed = testSeed();
    const rounds = runs(80, 91_000);
    tally("S2", rounds, "files");
    try {
      for (let round = 0; round < rounds; round++) {
        const chance = new Chance(seed + round);
        place(mutate(chance.pick(sound), chance));
        const format = chance.pick(["json", "json", "table", "csv"]);
        const args = [...chance.pick(commands), "--format", format];
        const result = await runInProcess(args, ENVIRONMENT);
        const slow = result.elapsedMs > SLOW_MS ? [`took ${result.elapsedMs} ms`] : [];
        const faults = [...calmFaults(result).faults, ...slow, ...guard.unasked(args)];
        const about = `${JSON.stringify(args)}\n${result.stderr}${replay(FILE, seed + round)}`;
        if (faults.length > 0) expect(faults, about).toEqual([]);
      }
    } finally {
      guard.end();
    }
  },
  PATIENCE,
);

test.each(KINDS)("a sound $kind is read well", async ({ sound, place, commands }) => {
  for (const bytes of sound) {
    for (const command of commands) {
      place(bytes);
      const { code, stderr } = await runInProcess([...command], ENVIRONMENT, new StopSignals());
      expect(code, `${command.join(" ")}: ${stderr}`).toBe(0);
    }
  }
});
