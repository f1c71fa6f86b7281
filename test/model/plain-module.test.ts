import fc from "fast-check";
import { expect, test } from "vitest";
import { RandomHost } from "./random-host.ts";

const RUNS = 40;
const ACTIONS = 150;

test("the emulator answers like a plain model that keeps every page and entry by itself", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (seed) => {
      new RandomHost(seed).run(ACTIONS);
    }),
    { numRuns: RUNS },
  );
}, 120_000);

test("the random host gets deep: leaves that need a long way succeed", () => {
  const reached = new Set<string>();
  for (let seed = 0; seed < 10; seed++) {
    const host = new RandomHost(seed);
    host.run(ACTIONS);
    for (const pair of host.duel.reached) reached.add(pair);
  }
  for (const leaf of ["VP.ENTER", "MEM.PAGE.DEMOTE", "MEM.PAGE.PROMOTE", "MEM.SEPT.REMOVE"]) {
    expect(reached).toContain(`TDH.${leaf} SUCCESS`);
  }
}, 120_000);
