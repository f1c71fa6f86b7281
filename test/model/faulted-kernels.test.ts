import { describe, expect, test } from "vitest";
import { GENERATIONS, generation } from "../../src/lab/kernels.ts";
import { populatedHost, tearDown, wrongsOf } from "../support/faulted-teardown.ts";
import { PATIENCE, replay, runs, testSeed } from "../support/sample.ts";
import { tally } from "../support/totals.ts";
import { Chance } from "./chance.ts";
import { everyFault, someOf, toItsEnd } from "./every-fault.ts";

const FILE = "test/model/faulted-kernels.test.ts";
const KIB = 1024;

describe("every other kernel", () => {
  const others = [...GENERATIONS.values()].filter(({ name }) => name !== "v16");

  test.each(others.map(({ name }) => name))(
    "%s leaves exactly what it would",
    async (kernel) => {
      const seed = testSeed();
      const chance = new Chance(seed);
      const populated = await populatedHost({ memoryBytes: 16 * KIB, vcpus: 2, kernel });
      for (const { name: strategy } of generation(kernel).strategies) {
        const all = await everyFault(populated, strategy);
        const once = someOf(all, runs(20, all.length), chance);
        const forEver = someOf(all, runs(5, all.length), chance);
        tally("E2", once.length, "faults that strike once, other kernels");
        tally("E2", forEver.length, "faults for ever, other kernels");
        const faults = [
          ...once.map(({ leaf, status, k }) => `${leaf}:${status}@k=${k}`),
          ...forEver.map(({ leaf, status, k }) => `${leaf}:${status}:from=${k}`),
        ];
        for (const fault of faults) {
          const torn = await toItsEnd(await tearDown(populated, strategy, [fault]), strategy);
          const about = `${kernel} ${strategy} ${fault}; ${replay(FILE, seed)}`;
          expect(wrongsOf(torn), about).toEqual([]);
        }
      }
    },
    PATIENCE,
  );
});
