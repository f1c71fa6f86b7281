import { describe, expect, test } from "vitest";
import type { Result, StrategyResult } from "../../src/lab/result.ts";
import { barLines } from "../../src/report/bars.ts";
import { COMPARISON, RUNTIME_ENTRY, releaseFirst, TROUBLED } from "./example-result.ts";

function widest(lines: readonly string[]): number {
  return Math.max(...lines.map((line) => line.length));
}

function bars(result: Result, width = 80, unicode = false): string[] {
  return barLines(result, { width, unicode });
}

function withTimes(entry: StrategyResult, factor: number): StrategyResult {
  const { low, mid, high } = entry.elapsedNs;
  const elapsedNs = {
    ...entry.elapsedNs,
    low: low * factor,
    mid: mid * factor,
    high: high * factor,
  };
  return { ...entry, elapsedNs, seamcalls: { ...entry.seamcalls, total: 5 } };
}

describe("bars on a terminal", () => {
  test.each([24, 40, 50, 60, 80, 132])("are never wider than %i columns", (width) => {
    for (const unicode of [false, true]) {
      expect(widest(["", ...bars(COMPARISON, width, unicode)])).toBeLessThanOrEqual(width);
    }
  });

  test("are left out where there is no room, and for a single strategy", () => {
    expect(bars(COMPARISON, 24)).toEqual([]);
    expect(bars(TROUBLED)).toEqual([]);
  });

  test("are as long as their share of the largest on a linear scale", () => {
    const [, first = "", second = ""] = bars(COMPARISON);
    const length = (line: string): number => (line.match(/#/g) ?? []).length;
    expect(length(second) / length(first)).toBeCloseTo(4_202_552 / 16_785_464, 1);
  });

  test("have a log scale, and say so, where a linear one would hide the shortest", () => {
    const text = bars({
      ...COMPARISON,
      strategies: [RUNTIME_ENTRY, withTimes(releaseFirst("hint"), 1e-3)],
    });
    expect(text.join("\n")).toContain("SEAMCALLs, exact (log scale from 1)");
    expect(text.join(" ")).toMatch(/log scale from 10 ms/);
    expect(text.filter((line) => /^ {2}hint +#/.test(line))).toHaveLength(2);
  });

  test("show no time without its range, and say simulated and the profile", () => {
    const text = bars(COMPARISON);
    const times = text.slice(text.indexOf("") + 1);
    expect(times.join(" ")).toContain("SIMULATED with cost profile published-2025");
    const drawn = times.filter((line) => line.startsWith("  "));
    expect(drawn).toHaveLength(3);
    for (const line of drawn) expect(line).toMatch(/#+-*\|-* +\d+ s \(\d+ to \d+ s, \w+\)$/);
  });

  test("are ASCII unless the terminal shows block characters", () => {
    const isAscii = (text: string): boolean => /^[\x20-\x7e\n]*$/.test(text);
    expect(isAscii(bars(COMPARISON).join("\n"))).toBe(true);
    expect(bars(COMPARISON, 80, true).join("\n")).toMatch(/█+░+┃/);
  });

  test("draw what costs nothing as next to nothing", () => {
    const none = { ...RUNTIME_ENTRY.elapsedNs, low: 0, mid: 0, high: 0 };
    const strategies = [RUNTIME_ENTRY, { ...releaseFirst("hint"), elapsedNs: none }];
    const text = bars({ ...COMPARISON, strategies });
    expect(text.at(-1)).toMatch(/^ {2}hint +# +0 s \(0 to 0 s/);
  });
});
