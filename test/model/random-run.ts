import fc from "fast-check";
import { populatedHost, tearDown } from "../support/faulted-teardown.ts";

/** A teardown with faults by chance. */
export const randomRun = fc.record({
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

type RandomRun = typeof randomRun extends fc.Arbitrary<infer T> ? T : never;

/** Its result and the state that it leaves, as text. */
export async function outcomeOf(run: RandomRun): Promise<string> {
  const { pages, strategy, step, seed, faults, vcpus, packages, layout } = run;
  const host = await populatedHost({ memoryBytes: pages * 4096, vcpus, packages, layout });
  const torn = await tearDown(host, strategy, faults, { step, seed });
  return JSON.stringify(torn.result) + JSON.stringify(torn.host.snapshot());
}
