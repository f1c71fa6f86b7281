import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import type { Calibration } from "../../../src/lab/calibrate/calibrate.ts";
import type { StrategyResult } from "../../../src/lab/result.ts";
import { calibratePublished, comparePublished, publishedRows } from "./published.ts";

const ROWS = publishedRows();
const RELEASED_FIRST = ROWS.filter(({ strategy }) => strategy === "exit");
const RUNTIME = ROWS.filter(({ strategy }) => strategy === "runtime");

async function timeOf(
  row: (typeof ROWS)[number] | undefined,
  strategy: string,
): Promise<StrategyResult["elapsedNs"] & { readonly off: number; readonly holds: boolean }> {
  if (row === undefined) throw new Error("no such published row");
  const entry = (await comparePublished(row)).get(strategy);
  if (entry === undefined) throw new Error(`compare has no ${strategy}`);
  const { low, mid, high } = entry.elapsedNs;
  const ns = row.seconds * 1e9;
  return { ...entry.elapsedNs, off: mid / ns - 1, holds: low < ns && ns < high };
}

describe("compare on the six published teardowns", () => {
  test.each(
    RELEASED_FIRST.flatMap((row) => ["exit", "hint"].map((strategy) => [strategy, row] as const)),
  )("%s is within 11 % of the measured time, which its range holds", async (strategy, row) => {
    const time = await timeOf(row, strategy);
    expect(Math.abs(time.off)).toBeLessThan(0.11);
    expect(time.holds).toBe(true);
    expect(time).toMatchObject({ basis: "fitted", extrapolated: false });
  });

  test.each(RUNTIME.slice(0, 2).map((row) => [row] as const))(
    "runtime of the two small TDs is within 3 % of the measured time, which its range holds",
    async (row) => {
      const time = await timeOf(row, "runtime");
      expect(Math.abs(time.off)).toBeLessThan(0.03);
      expect(time.holds).toBe(true);
      expect(time.extrapolated).toBe(false);
    },
  );

  test("runtime at 64 vCPUs holds 5539 s in a range of at most six times, flagged", async () => {
    const time = await timeOf(RUNTIME[2], "runtime");
    expect(time.holds).toBe(true);
    expect(time.high / time.low).toBeLessThanOrEqual(6);
    expect(time).toMatchObject({ basis: "assumed", extrapolated: true });
    expect(time.reasons).toContain("runtime removal was measured at 4 to 32 vCPUs, not 64.");
  });
});

describe("calibrating on the published times", () => {
  let whole: Calibration;
  beforeAll(async () => {
    whole = await calibratePublished();
  });

  test("bears one price a page for each way, and no vCPU term", () => {
    expect(whole.prices.map(({ term }) => term)).toEqual([
      "TDH.PHYMEM.PAGE.RECLAIM of 4K",
      "TDH.MEM.PAGE.REMOVE of 4K",
    ]);
    expect(whole.prices[0]?.price.value).toBeCloseTo(4740, -1);
  });

  test("says that the runtime times contradict each other", () => {
    expect(whole.complaints).toEqual([
      "The 3 rows of runtime removal, pages of 4K lie 48 % from their fit: they contradict each " +
        "other, or something that nobody counts takes time.",
    ]);
  });

  test("holds every measured time in the range of its own profile", () => {
    for (const { simulatedNs, measuredSeconds } of whole.rows) {
      expect(simulatedNs?.low).toBeLessThan(measuredSeconds * 1e9);
      expect(simulatedNs?.high).toBeGreaterThan(measuredSeconds * 1e9);
    }
  });

  test.each([...ROWS.keys()])("without row %d it errs as the whole calibration says", async (i) => {
    const left = ROWS[i];
    if (left === undefined) return expect.unreachable();
    const rest = await calibratePublished(ROWS.filter((row) => row !== left));
    const [main] = [left.strategy === "runtime" ? 1 : 0];
    const price = rest.prices[main]?.price.value ?? 0;
    const reclaim = rest.prices[0]?.price.value ?? 0;
    const entry = (await comparePublished(left)).get(left.strategy);
    const reclaims = entry?.seamcalls.byLeaf["TDH.PHYMEM.PAGE.RECLAIM"] ?? 0;
    const removes = entry?.seamcalls.byLeaf["TDH.MEM.PAGE.REMOVE"] ?? 0;
    const ns = main === 1 ? removes * price + reclaims * reclaim : reclaims * price;
    expect(whole.rows[i]?.leaveOneOutError).toBeCloseTo(ns / (left.seconds * 1e9) - 1, 4);
  });
});

describe("docs/credibility.md", () => {
  const text = readFileSync(new URL("../../../docs/credibility.md", import.meta.url), "utf8");
  const signed = (share: number): string => `${share < 0 ? "" : "+"}${(share * 100).toFixed(1)} %`;

  test("prints the leave-one-out errors that calibrate gives", async () => {
    const { rows } = await calibratePublished();
    const table = rows.map(
      ({ configuration, measuredSeconds, relativeError, leaveOneOutError }) =>
        `| ${configuration} | ${measuredSeconds} | ${signed(relativeError ?? Number.NaN)} ` +
        `| ${signed(leaveOneOutError ?? Number.NaN)} |`,
    );
    expect(table).toHaveLength(6);
    for (const line of table) expect(text).toContain(`${line}\n`);
  });

  test("prints the residual of every published number with the built-in profile", async () => {
    for (const row of ROWS) {
      const { low, mid, high, off } = await timeOf(row, row.strategy);
      const [from, value, to] = [low, mid, high].map((ns) => Math.round(ns / 1e9));
      const { vcpus, memoryBytes } = row.options;
      const line =
        `| ${row.strategy} | ${vcpus} | ${memoryBytes / 2 ** 30} | ${row.seconds} | ${value} ` +
        `(${from} to ${to}) | ${signed(off)} |`;
      expect(text).toContain(`${line}\n`);
    }
  });
});
