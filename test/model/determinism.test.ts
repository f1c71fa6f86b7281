import fc from "fast-check";
import { expect, test } from "vitest";
import type { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { populatedHost, tearDown } from "../support/faulted-teardown.ts";
import { PATIENCE, sample } from "../support/sample.ts";
import { tally } from "../support/totals.ts";

const config = fc.record({
  pages: fc.integer({ min: 1, max: 600 }),
  vcpus: fc.integer({ min: 1, max: 4 }),
  packages: fc.integer({ min: 1, max: 3 }),
  layout: fc.constantFrom("contiguous", "q35", "alternate"),
  strategy: fc.constantFrom("runtime", "exit", "hint"),
  step: fc.boolean(),
  seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  faults: fc.subarray([
    "TDH.PHYMEM.PAGE.RECLAIM:OPERAND_BUSY:p=0.05",
    "*:OPERAND_BUSY|SEPT_TREE:p=0.1",
    "TDH.VP.FLUSH:OPERAND_BUSY|TDR:p=0.2",
    "TDH.MEM.TRACK:OPERAND_BUSY:p=0.3",
  ]),
});

function bytes(host: SimulatedHost): string {
  return JSON.stringify(host.snapshot());
}

test(
  "the same input gives the same result and the same state, byte by byte",
  async () => {
    const property = fc.asyncProperty(config, async ({ pages, strategy, step, seed, ...rest }) => {
      const outcomes: string[] = [];
      for (let run = 0; run < 2; run++) {
        const { vcpus, packages, layout } = rest;
        const shape = { memoryBytes: pages * 4096, vcpus, packages, layout } as const;
        const host = await populatedHost(shape);
        // Faults of VP.FLUSH make KVM spin: seldom enough for a quick test.
        const torn = await tearDown(host, strategy, rest.faults, { step, seed });
        outcomes.push(JSON.stringify(torn.result) + bytes(torn.host));
      }
      expect(outcomes[1]).toBe(outcomes[0]);
    });
    const size = sample(60, 1000);
    tally("E1", size.numRuns, "configurations, twice each");
    await fc.assert(property, size);
  },
  PATIENCE,
);
