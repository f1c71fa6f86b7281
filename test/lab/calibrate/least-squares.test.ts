import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  combination,
  independentColumns,
  solveNonNegative,
} from "../../../src/lab/calibrate/least-squares.ts";

describe("independentColumns", () => {
  test("leaves out a column that earlier ones add up to, and an empty one", () => {
    const x = [
      [1, 0, 1, 0],
      [2, 1, 3, 0],
      [0, 5, 5, 0],
    ];
    expect(independentColumns({ x, y: [1, 1, 1] }, [0, 1, 2, 3])).toEqual([0, 1]);
    expect(independentColumns({ x, y: [1, 1, 1] }, [2, 1, 0])).toEqual([2, 1]);
  });

  test("keeps no more columns than there are rows", () => {
    const x = [
      [1, 2, 3],
      [4, 5, 7],
    ];
    expect(independentColumns({ x, y: [1, 1] }, [0, 1, 2])).toEqual([0, 1]);
  });
});

test("combination tells what a column is the sum of", async () => {
  const x = [
    [1, 0, 2],
    [0, 1, 3],
    [1, 1, 5],
  ];
  const [a, b] = await combination({ x, y: [0, 0, 0] }, 2, [0, 1]);
  expect(a).toBeCloseTo(2, 9);
  expect(b).toBeCloseTo(3, 9);
});

const numbers = fc.double({ min: 0.01, max: 100, noNaN: true });

describe("solveNonNegative", () => {
  test("finds the values that made the rows", async () => {
    await fc.assert(
      fc.asyncProperty(numbers, numbers, async (a, b) => {
        const x = [
          [1, 0],
          [1, 1],
          [3, 2],
        ];
        const y = x.map(([p = 0, q = 0]) => p * a + q * b);
        const { values } = await solveNonNegative({ x, y }, [0, 1]);
        expect(values[0]).toBeCloseTo(a, 6);
        expect(values[1]).toBeCloseTo(b, 6);
      }),
    );
  });

  test("never goes below nothing, and no step downhill is left (Karush, Kuhn, Tucker)", async () => {
    const row = fc.tuple(numbers, numbers, fc.double({ min: -50, max: 50, noNaN: true }));
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 4, maxLength: 9 }), async (rows) => {
        const x = rows.map(([a, b]) => [a, b]);
        const y = rows.map(([, , target]) => target);
        fc.pre(independentColumns({ x, y }, [0, 1]).length === 2);
        const { values, residuals } = await solveNonNegative({ x, y }, [0, 1]);
        for (const [column, value] of values.entries()) {
          const scale = Math.sqrt(x.reduce((sum, each) => sum + (each[column] ?? 0) ** 2, 0));
          const gradient = x.reduce(
            (sum, each, index) => sum + (each[column] ?? 0) * (residuals[index] ?? 0),
            0,
          );
          expect(value).toBeGreaterThanOrEqual(0);
          expect(gradient / scale).toBeLessThan(1e-3);
          if (value > 0) expect(gradient / scale).toBeGreaterThan(-1e-3);
        }
      }),
    );
  });

  test("leverages add up to the number of parameters", async () => {
    const x = [
      [1, 0],
      [1, 1],
      [3, 2],
      [0, 4],
    ];
    const { leverages } = await solveNonNegative({ x, y: [1, 1, 1, 1] }, [0, 1]);
    expect(leverages.reduce((sum, leverage) => sum + leverage, 0)).toBeCloseTo(2, 9);
  });
});
