import { expect, test } from "vitest";
import { populatedHost, tearDown, wrongsOf } from "../support/faulted-teardown.ts";
import { PATIENCE, replay, runs, testSeed } from "../support/sample.ts";
import { tally } from "../support/totals.ts";
import { Chance } from "./chance.ts";
import { everyFault, STRATEGIES, toItsEnd } from "./every-fault.ts";

const FILE = "test/model/faulted-pairs.test.ts";

test.each(STRATEGIES)(
  "two SEAMCALLs of %s that fail leave exactly what the kernel would leave behind",
  async (strategy) => {
    const pairs = runs(40, 6_700);
    tally("E3", pairs, "pairs of faults");
    const host = await populatedHost({ memoryBytes: 16 * 1024, vcpus: 2 });
    const all = await everyFault(host, strategy);
    const seed = testSeed();
    const chance = new Chance(seed);
    for (let pair = 0; pair < pairs; pair++) {
      const faults = [chance.pick(all), chance.pick(all)];
      const texts = faults.map(({ leaf, status, k }) => `${leaf}:${status}@k=${k}`);
      const torn = await toItsEnd(await tearDown(host, strategy, texts), strategy);
      expect(wrongsOf(torn), `${strategy} ${texts}; ${replay(FILE, seed)}`).toEqual([]);
    }
  },
  PATIENCE,
);
