import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatDuration, formatDurationRange, formatTwoDigits } from "../../src/units/duration.ts";

const UNIT_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  ms: 1e6,
  s: 1e9,
  min: 60e9,
  h: 3600e9,
  d: 86_400e9,
};

describe("formatDuration", () => {
  test.each([
    [0, "0 s"],
    [7, "7.0 ns"],
    [2560, "2.6 us"],
    [340e6, "340 ms"],
    [994e6, "990 ms"],
    [999e6, "1.0 s"],
    [5.46e9, "5.5 s"],
    [72.4e9, "72 s"],
    [99.4e9, "99 s"],
    [99.6e9, "1.7 min"],
    [134e9, "2.2 min"],
    [5539e9, "92 min"],
    [5970e9, "1.7 h"],
    [3.5 * 86_400e9, "84 h"],
    [5 * 86_400e9, "5.0 d"],
  ])("%d ns reads %s", (ns, text) => {
    expect(formatDuration(ns)).toBe(text);
  });

  test("what is read differs by less than 5 % from what was meant", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (ns) => {
        const [digits = "", unit = ""] = formatDuration(ns).split(" ");
        const read = Number(digits) * (UNIT_NS[unit] ?? Number.NaN);
        expect(Math.abs(read - ns) / ns).toBeLessThan(0.05);
      }),
    );
  });

  test("no more than two significant digits are shown", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (ns) => {
        const digits = formatDuration(ns).split(" ")[0] ?? "";
        const significant = digits.replace(".", "").replace(/^0+/, "");
        expect(significant.slice(2)).toMatch(/^0*$/);
        expect(digits).toMatch(/^\d+(?:\.\d+)?$/);
      }),
    );
  });
});

describe("formatDurationRange", () => {
  test.each([
    [65e9, 80e9, "65 to 80 s"],
    [65e9, 120e9, "65 s to 2.0 min"],
    [0, 700e6, "0 to 700 ms"],
    [0, 0, "0 to 0 s"],
  ])("%d to %d ns reads %s", (low, high, text) => {
    expect(formatDurationRange(low, high)).toBe(text);
  });
});

describe("formatTwoDigits", () => {
  test.each([
    [0, "0"],
    [0.0246, "0.025"],
    [0.25, "0.25"],
    [0.996, "1.0"],
    [1, "1.0"],
    [9.96, "10"],
    [11.86, "12"],
    [123.4, "120"],
  ])("%d reads %s", (value, text) => {
    expect(formatTwoDigits(value)).toBe(text);
  });
});
