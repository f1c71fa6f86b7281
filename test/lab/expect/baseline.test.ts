import { describe, expect, test } from "vitest";
import {
  compareWithBaseline,
  isMetric,
  type MaxRegression,
} from "../../../src/lab/expect/baseline.ts";
import type { Result, StrategyResult } from "../../../src/lab/result.ts";
import { COMPARISON } from "../../report/example-result.ts";

function bounds(any: number, byMetric: Readonly<Record<string, number>> = {}): MaxRegression {
  return { any, byMetric: new Map(Object.entries(byMetric)) };
}

/** The example with `calls` SEAMCALLs more in every strategy. */
function withMoreCalls(calls: number): Result {
  const strategies = COMPARISON.strategies.map((entry): StrategyResult => {
    const { seamcalls } = entry;
    return { ...entry, seamcalls: { ...seamcalls, total: seamcalls.total + calls } };
  });
  return { ...COMPARISON, strategies };
}

function failed(result: Result, bound: MaxRegression): string[] {
  return compareWithBaseline(result, COMPARISON, bound, "base.json")
    .filter(({ passed }) => !passed)
    .map(({ expectation }) => expectation);
}

describe("against a baseline", () => {
  test("the same result passes with nothing allowed", () => {
    expect(failed(COMPARISON, bounds(0))).toEqual([]);
  });

  test("one SEAMCALL more fails each strategy", () => {
    expect(failed(withMoreCalls(1), bounds(0))).toEqual([
      "runtime@v16.seamcalls.total",
      "exit@v16.seamcalls.total",
      "hint@v16.seamcalls.total",
    ]);
  });

  test("fewer SEAMCALLs are no regression", () => {
    expect(failed(withMoreCalls(-1000), bounds(0))).toEqual([]);
  });

  test("growth up to the bound passes, and one more fails", () => {
    const [runtime] = COMPARISON.strategies;
    const most = (runtime?.seamcalls.total ?? 0) / 100;
    const onlyRuntime = (result: Result): Result => ({
      ...result,
      strategies: result.strategies.slice(0, 1),
    });
    expect(failed(onlyRuntime(withMoreCalls(Math.floor(most))), bounds(0.01))).toEqual([]);
    expect(failed(onlyRuntime(withMoreCalls(Math.floor(most) + 1)), bounds(0.01))).toHaveLength(1);
  });

  test("the closest name of a metric bounds it", () => {
    const bound = bounds(0, { seamcalls: 0.5, "seamcalls.total": 0 });
    expect(failed(withMoreCalls(1), bound)).toHaveLength(3);
    expect(failed(withMoreCalls(1), bounds(0, { seamcalls: 0.5 }))).toEqual([]);
  });

  test("what differs in the configuration is named", () => {
    const other = { ...COMPARISON, td: { ...COMPARISON.td, vcpus: 8 } };
    expect(() => compareWithBaseline(other, COMPARISON, bounds(0), "base.json")).toThrow(
      "base.json is of another configuration: td.vcpus is 4 there and 8 here",
    );
  });

  test("a baseline of other strategies only is refused", () => {
    const [first, ...others] = COMPARISON.strategies;
    const base = { ...COMPARISON, strategies: first === undefined ? [] : [first] };
    const now = { ...COMPARISON, strategies: others };
    expect(() => compareWithBaseline(now, base, bounds(0), "base.json")).toThrow("no strategy");
  });
});

test.each([
  ["seamcalls", true],
  ["seamcalls.total", true],
  ["elapsedNs.high", true],
  ["seam", false],
  ["seamcalls.", false],
])("%s names a metric: %s", (name, is) => {
  expect(isMetric(name)).toBe(is);
});
