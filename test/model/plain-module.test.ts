import fc from "fast-check";
import { expect, test } from "vitest";
import { PATIENCE, sample } from "../support/sample.ts";
import { tally } from "../support/totals.ts";
import { Chance } from "./chance.ts";
import { RandomHost } from "./random-host.ts";

const number = fc.noBias(fc.integer({ min: 0, max: 2 ** 32 - 1 }));
const commands = fc.noBias(fc.array(number, { minLength: 1, maxLength: 100, size: "max" }));

test(
  "the emulator answers like a plain model that keeps every page and entry by itself",
  () => {
    const size = sample(2000, 100_000);
    let calls = 0;
    const property = fc.property(number, commands, (platform, sequence) => {
      const host = new RandomHost(platform);
      host.run(sequence);
      calls += host.duel.calls;
    });
    fc.assert(property, size);
    tally("E5", size.numRuns, "sequences of up to 100 commands");
    tally("E5", calls, "calls in these");
  },
  PATIENCE,
);

test("the random host gets deep: leaves that need a long way succeed", () => {
  const reached = new Set<string>();
  const chance = new Chance(1);
  for (let seed = 0; seed < 20; seed++) {
    const host = new RandomHost(seed);
    host.run(Array.from({ length: 100 }, () => chance.integer(0, 2 ** 32 - 1)));
    for (const pair of host.duel.reached) reached.add(pair);
  }
  for (const leaf of ["VP.ENTER", "MEM.PAGE.DEMOTE", "MEM.PAGE.PROMOTE", "MEM.SEPT.REMOVE"]) {
    expect(reached).toContain(`TDH.${leaf} SUCCESS`);
  }
});
