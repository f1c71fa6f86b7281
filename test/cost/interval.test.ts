import { describe, expect, test } from "vitest";
import {
  intervalRatio,
  roundInterval,
  sumIntervals,
  weakestBasis,
} from "../../src/cost/interval.ts";

test("ends are rounded outwards", () => {
  expect(roundInterval({ low: 1.9, mid: 2.5, high: 3.1 })).toEqual({ low: 1, mid: 3, high: 4 });
});

test.each([
  { low: 2, mid: 1, high: 3 },
  { low: 1, mid: 3, high: 2 },
  { low: -1, mid: 0, high: 1 },
  { low: 0, mid: Number.NaN, high: 1 },
])("$low, $mid, $high is no interval and throws", (interval) => {
  expect(() => roundInterval(interval)).toThrow("is not an interval");
});

test("beyond 2^53 ns there is no estimate, and the user is told what to do", () => {
  expect(() => roundInterval({ low: 0, mid: 1, high: 2 ** 53 })).toThrow(
    expect.objectContaining({ kind: "usage", hint: expect.stringContaining("less memory") }),
  );
});

test("a sum adds end to end", () => {
  const parts = [
    { low: 1, mid: 2, high: 3 },
    { low: 10, mid: 20, high: 30 },
  ];
  expect(sumIntervals(parts)).toEqual({ low: 11, mid: 22, high: 33 });
});

describe("intervalRatio", () => {
  test("combines the ends crosswise", () => {
    const slower = { low: 60, mid: 72, high: 80 };
    const faster = { low: 20, mid: 24, high: 30 };
    expect(intervalRatio(slower, faster)).toEqual({ low: 2, mid: 3, high: 4 });
  });

  test("stays finite when the faster may take no time", () => {
    const none = { low: 0, mid: 0, high: 0 };
    expect(intervalRatio({ low: 1, mid: 2, high: 3 }, none)).toEqual({ low: 1, mid: 2, high: 3 });
  });
});

test("the basis of a sum is the weakest of its parts", () => {
  expect(weakestBasis(["measured", "assumed", "fitted"])).toBe("assumed");
  expect(weakestBasis(["measured", "fitted"])).toBe("fitted");
  expect(weakestBasis([])).toBe("exact");
});
