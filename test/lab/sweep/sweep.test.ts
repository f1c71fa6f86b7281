import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PUBLISHED_2025 } from "../../../src/cost/profiles/published-2025.ts";
import { parseFault } from "../../../src/lab/faults/fault-plan.ts";
import { GENERATIONS } from "../../../src/lab/kernels.ts";
import { Grid, pointsOf } from "../../../src/lab/sweep/grid.ts";
import { shardSize, sweep } from "../../../src/lab/sweep/sweep.ts";
import { LAYOUTS, type TdOptions } from "../../../src/lab/td-options.ts";
import { compareFresh, type Session } from "../../../src/lab/teardown.ts";

const MIB = 2 ** 20;
const SLOW_MS = 60_000;
const session: Session = { step: false, seed: 1, profile: PUBLISHED_2025 };
const WHOLE = { index: 1, of: 1 };

function sizes(...mib: number[]): Partial<TdOptions>[] {
  return mib.map((each) => ({ memoryBytes: each * MIB }));
}

describe("a grid", () => {
  test("varies its last axis fastest", () => {
    const grid = new Grid([[{ vcpus: 1 }, { vcpus: 2 }], sizes(64, 128, 256)]);
    const points = [...pointsOf(grid, WHOLE)].map((point) => grid.at(point));
    expect(points.map(({ vcpus, memoryBytes }) => [vcpus, memoryBytes / MIB])).toEqual([
      [1, 64],
      [1, 128],
      [1, 256],
      [2, 64],
      [2, 128],
      [2, 256],
    ]);
  });

  test("without axes is the default TD", () => {
    expect(new Grid([]).size).toBe(1);
  });

  test("is dealt out to shards whole and once", () => {
    const grid = new Grid([sizes(...Array.from({ length: 23 }, (_, i) => i + 1))]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), (of) => {
        const shards = Array.from({ length: of }, (_, i) => ({ index: i + 1, of }));
        const points = shards.flatMap((shard) => [...pointsOf(grid, shard)]);
        expect(points.toSorted((a, b) => a - b)).toEqual([...pointsOf(grid, WHOLE)]);
        for (const shard of shards) {
          expect(shardSize({ grid, shard })).toBe([...pointsOf(grid, shard)].length);
        }
      }),
    );
  });
});

describe("every point", () => {
  const axes = fc.record({
    vcpus: fc.uniqueArray(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 2 }),
    mib: fc.uniqueArray(fc.integer({ min: 2, max: 8 }), { minLength: 1, maxLength: 4 }),
    layout: fc.constantFrom(...LAYOUTS),
    pageSize: fc.constantFrom("4K" as const, "2M" as const),
    kernel: fc.constantFrom(...GENERATIONS.keys()),
    image: fc.constantFrom(0, 4 * MIB),
  });

  test(
    "is as a TD made for itself, however the grid leads there",
    async () => {
      await fc.assert(
        fc.asyncProperty(axes, async ({ vcpus, mib, layout, pageSize, kernel, image }) => {
          const fixed = { layout, pageSize, kernel, initialImageBytes: image };
          const memory = mib.map((each) => (2 * each + 2) * MIB);
          const grid = new Grid([
            [fixed],
            vcpus.map((each) => ({ vcpus: each })),
            memory.map((memoryBytes) => ({ memoryBytes })),
          ]);
          const plan = { grid, strategies: null, shard: WHOLE, skip: 0 };
          for await (const { point, result } of sweep(plan, session)) {
            const alone = await compareFresh(grid.at(point), { source: "options" }, session);
            expect(result).toEqual({ ...alone, command: "sweep" });
          }
        }),
        { numRuns: 20 },
      );
    },
    SLOW_MS,
  );

  test("meets the faults that it meets by itself", async () => {
    const texts = ["TDH.PHYMEM.PAGE.RECLAIM:OPERAND_BUSY@k=9", "TDH.MEM.PAGE.AUG:OPERAND_BUSY@k=3"];
    const plans = texts.map((text) => parseFault(text, false));
    const faulty = { ...session, faults: { plans, seed: 1 } };
    const grid = new Grid([sizes(4, 8, 12)]);
    const plan = { grid, strategies: ["hint"], shard: WHOLE, skip: 0 };
    for await (const { point, result } of sweep(plan, faulty)) {
      const request = { source: "options", strategies: ["hint"] } as const;
      const alone = await compareFresh(grid.at(point), request, faulty);
      expect(result).toEqual({ ...alone, command: "sweep" });
    }
  });
});
