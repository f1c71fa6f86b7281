import { describe, expect, test } from "vitest";
import { sweepLines } from "../../src/report/chart.ts";
import { sweepFigure } from "../../src/report/chart-series.ts";
import { sweepRows } from "./sweep-rows.ts";

const ROWS = sweepRows([1, 4, 16, 64, 256]);

describe("lines of a sweep", () => {
  test("are over the dimension with most values, the others name the series", () => {
    const figure = sweepFigure(sweepRows([1, 2, 4], [4, 64]));
    expect(figure?.xLabel).toBe("private memory");
    expect(figure?.series.map(({ name }) => name)).toEqual([
      "runtime, 4 vCPUs",
      "exit, 4 vCPUs and hint, 4 vCPUs",
      "runtime, 64 vCPUs",
      "exit, 64 vCPUs and hint, 64 vCPUs",
    ]);
    expect(sweepFigure(sweepRows([4], [1, 2, 4]))?.xLabel).toBe("vCPUs");
  });

  test("share a line where they are the same to the last bit", () => {
    expect(sweepFigure(ROWS)?.series.map(({ name }) => name)).toEqual(["runtime", "exit and hint"]);
  });

  test("are in the order of the dimension, however the rows come", () => {
    const series = sweepFigure(sweepRows([64, 1, 16]))?.series[0];
    expect(series?.points.map(({ x }) => x / 2 ** 30)).toEqual([1, 16, 64]);
  });

  test("are none where nothing varies", () => {
    expect(sweepFigure(sweepRows([16]))).toBeNull();
    expect(sweepLines(sweepRows([16]), { width: 80, unicode: false })).toEqual([]);
  });

  test("say what is the same at every point", () => {
    expect(sweepFigure(ROWS)?.constants).toBe("4 vCPUs, 1 package, kernel v16, pages of 4K");
  });
});

describe("a line chart on a terminal", () => {
  test.each([30, 40, 60, 80, 200])("is never wider than %i columns", (width) => {
    for (const unicode of [false, true]) {
      const lines = sweepLines(ROWS, { width, unicode });
      expect(lines.length).toBeGreaterThan(0);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    }
  });

  test("says simulated, the profile and its scales, and tells the range of each line", () => {
    const text = sweepLines(ROWS, { width: 80, unicode: false }).join("\n");
    expect(text.replaceAll("\n", " ")).toContain("SIMULATED with cost profile published-2025");
    expect(text).toContain("log scales");
    expect(text).toMatch(/^ {2}o runtime: 18 min \(16 to 20 min, assumed\) at 256 GiB$/m);
    expect(text).toMatch(/^ {2}x exit and hint: .*\(.* to .*, fitted\) at 256 GiB$/m);
  });

  test("is ASCII unless the terminal shows more", () => {
    expect(sweepLines(ROWS, { width: 80, unicode: false }).join("\n")).toMatch(/^[\x20-\x7e\n]+$/);
    expect(sweepLines(ROWS, { width: 80, unicode: true }).join("\n")).toContain("●");
  });

  test("tells how many lines it has no mark for", () => {
    const many = sweepRows([1, 2, 4, 8, 16, 32], [1, 2, 3, 4, 5]);
    expect(sweepLines(many, { width: 80, unicode: false }).at(-1)).toBe("  2 more not drawn");
  });
});
