import fc from "fast-check";
import { expect, test } from "vitest";
import { PATIENCE, sample } from "../support/sample.ts";
import { tally } from "../support/totals.ts";
import { outcomeOf, randomRun } from "./random-run.ts";

test(
  "the same input gives the same result and the same state, byte by byte",
  async () => {
    const property = fc.asyncProperty(randomRun, async (run) => {
      const first = await outcomeOf(run);
      expect(await outcomeOf(run)).toBe(first);
    });
    const size = sample(60, 1000);
    tally("E1", size.numRuns, "configurations, twice each");
    await fc.assert(property, size);
  },
  PATIENCE,
);
