import { describe, expect, test } from "vitest";
import { estimate } from "../../../src/cost/estimate.ts";
import type { Profile } from "../../../src/cost/profile.ts";
import { parseProfile } from "../../../src/cost/profile-schema.ts";
import { type Calibration, calibrate } from "../../../src/lab/calibrate/calibrate.ts";
import { parseMeasurementRows } from "../../../src/lab/calibrate/measurement-rows.ts";
import { countLife } from "../../../src/lab/teardown-counts.ts";

const RUN = { step: false };
const HEADER = "vcpus,memory,pageSize,strategy,kernel,seconds,weight,leaf";

interface Outcome {
  readonly calibration: Calibration;
  readonly profile: Profile | null;
}

function calibrateCsv(...lines: string[]): Promise<Outcome> {
  const rows = parseMeasurementRows([HEADER, ...lines].join("\n"), "rows.csv");
  return calibrate({ rows, file: "rows.csv", name: "mine" }, RUN);
}

function priceOf({ calibration }: Outcome, term: string): number | undefined {
  return calibration.prices.find((price) => price.term === term)?.price.value;
}

const RECLAIM = "TDH.PHYMEM.PAGE.RECLAIM of 4K";
const REMOVE = "TDH.MEM.PAGE.REMOVE of 4K";
/** 5 us for each of the 4,202,544 pages of the 16 GiB TD, and of twice and four times as many. */
const EXIT = ["4,16G,4K,exit,v16,21.0,,", "4,32G,4K,exit,v16,42.1,,", "4,64G,4K,exit,v16,84,,"];

describe("too few rows", () => {
  test("one row bears no price, and is said to be the only one of its kind", async () => {
    const { calibration, profile } = await calibrateCsv("4,16G,4K,exit,v16,21,,");
    expect(profile).toBeNull();
    expect(calibration).toMatchObject({ profile: null, prices: [] });
    expect(calibration.complaints).toEqual([
      "rows.csv line 2 is the only row of reclaim after the HKID is released, pages of 4K: one " +
        "row cannot tell its own error, so no price is taken from it.",
    ]);
  });

  test("a single runtime row among others bears no price of removal", async () => {
    const outcome = await calibrateCsv(...EXIT, "4,16G,4K,runtime,v16,64,,");
    expect(outcome.calibration.prices.map(({ term }) => term)).toEqual([RECLAIM]);
    expect(outcome.calibration.rows[3]).toMatchObject({
      simulatedNs: null,
      relativeError: null,
      leaveOneOutError: null,
    });
    expect(outcome.calibration.complaints[0]).toContain("line 5 is the only row of runtime");
  });

  test("two runtime rows never bear two prices of removal, however well those would fit", async () => {
    const outcome = await calibrateCsv(
      "4,16G,4K,runtime,v16,64,,",
      "32,16G,4K,runtime,v16,78,,",
      ...EXIT,
    );
    expect(outcome.calibration.prices.map(({ term }) => term)).toEqual([RECLAIM, REMOVE]);
    expect(outcome.calibration.untold.map(({ driver }) => driver)).toContain("vCPU kick");
  });
});

describe("contradictory rows", () => {
  test("bear no price when they are far apart, and are named", async () => {
    const { calibration, profile } = await calibrateCsv(
      "4,16G,4K,exit,v16,10,,",
      "4,16G,4K,exit,v16,100,,",
    );
    expect(profile).toBeNull();
    expect(calibration.complaints).toEqual([
      "The 2 rows of reclaim after the HKID is released, pages of 4K lie 90 % from any one price: " +
        "they contradict each other and bear none.",
      "rows.csv line 2 and rows.csv line 3 are the same (exit, 16 GiB, 4 vCPUs, 4K, v16), but " +
        "10 s and 100 s.",
    ]);
  });

  test("of one kind leave the prices of the other kind alone", async () => {
    const outcome = await calibrateCsv(
      ...EXIT,
      "4,16G,4K,runtime,v16,30,,",
      "4,16G,4K,runtime,v16,300,,",
    );
    expect(outcome.calibration.prices.map(({ term }) => term)).toEqual([RECLAIM]);
    expect(priceOf(outcome, RECLAIM)).toBeCloseTo(5000, -2);
  });
});

describe("a good file", () => {
  test("gives a profile that keeps the schema and names the file with every number", async () => {
    const { profile } = await calibrateCsv(...EXIT);
    if (profile === null) return expect.unreachable();
    expect(parseProfile(JSON.parse(JSON.stringify(profile)), "mine.json")).toEqual(profile);
    for (const { price } of profile.terms) {
      expect(price.source).toMatch(/^rows\.csv: 3 measurements/);
      expect(price.basis).toBe("fitted");
    }
    expect(profile.fits[0]?.tolerance.source).toMatch(/^rows\.csv: leave-one-out errors of 3/);
  });

  test("is simulated by its own profile with range and basis, and the measured time inside", async () => {
    const { calibration } = await calibrateCsv(...EXIT);
    for (const { measuredSeconds, simulatedNs } of calibration.rows) {
      expect(simulatedNs?.low).toBeLessThan(measuredSeconds * 1e9);
      expect(simulatedNs?.high).toBeGreaterThan(measuredSeconds * 1e9);
      expect(simulatedNs?.basis).toBe("fitted");
    }
  });

  test("makes no estimate of a measured configuration an extrapolation", async () => {
    const { calibration, profile } = await calibrateCsv(
      ...EXIT,
      "4,16G,4K,runtime,v16,64,,",
      "4,32G,4K,runtime,v16,128,,",
    );
    if (profile === null) return expect.unreachable();
    expect(calibration.complaints).toEqual([]);
    for (const strategy of ["exit", "hint", "runtime"]) {
      const rows = parseMeasurementRows(`${HEADER}\n4,32G,4K,${strategy},v16,1,,`, "x");
      const options = rows[0]?.options;
      if (options === undefined) return expect.unreachable();
      const { teardown } = await countLife(options, strategy, RUN);
      expect(estimate(teardown, options, profile).elapsedNs.reasons).toBeUndefined();
    }
  });

  test("that never saw a runtime removal has no price for one, and says so", async () => {
    const { profile } = await calibrateCsv(...EXIT);
    const [row] = parseMeasurementRows(`${HEADER}\n4,32G,4K,runtime,v16,1,,`, "x");
    if (profile === null || row === undefined) return expect.unreachable();
    const { teardown } = await countLife(row.options, "runtime", RUN);
    expect(estimate(teardown, row.options, profile).elapsedNs.reasons).toContain(
      "The profile has no price for TDH.MEM.TRACK: it counts as nothing.",
    );
  });

  test("tells what the fixed part can at most be when the rows do not tell it", async () => {
    const { calibration, profile } = await calibrateCsv(...EXIT);
    expect(calibration.untold.find(({ driver }) => driver === "fixed teardown")?.reason).toBe(
      "noise",
    );
    const fixed = profile?.terms.find(({ term }) => term === "fixed teardown")?.price;
    expect(fixed).toMatchObject({ value: 0, low: 0, unit: "ns/teardown" });
    expect(fixed?.high).toBeCloseTo(2 * 0.01 * 21e9, -8);
  });

  test("says how many of its counts are independent", async () => {
    const { rank, counted, prices, untold } = (await calibrateCsv(...EXIT)).calibration;
    expect(counted).toBe(prices.length + untold.length);
    expect(rank).toBeLessThan(counted);
  });

  test("gives the same answer in whatever order its rows stand", async () => {
    const forth = await calibrateCsv(...EXIT);
    const back = await calibrateCsv(...EXIT.toReversed());
    expect(priceOf(back, RECLAIM)).toBe(priceOf(forth, RECLAIM));
  });
});

describe("weights", () => {
  test("a row of weight 8 pulls as much as eight rows", async () => {
    const heavy = await calibrateCsv(
      "4,16G,4K,exit,v16,20,8,",
      "4,16G,4K,exit,v16,24,,",
      "4,16G,4K,exit,v16,22,,",
    );
    const many = await calibrateCsv(
      ...Array.from({ length: 8 }, () => "4,16G,4K,exit,v16,20,,"),
      "4,16G,4K,exit,v16,24,,",
      "4,16G,4K,exit,v16,22,,",
    );
    expect(priceOf(heavy, RECLAIM)).toBeCloseTo(priceOf(many, RECLAIM) ?? 0, 6);
  });
});

describe("times of single leaves", () => {
  const LEAVES = [
    "4,16G,4K,exit,v16,12.607632,,TDH.PHYMEM.PAGE.RECLAIM",
    "4,32G,4K,exit,v16,25.21527,,TDH.PHYMEM.PAGE.RECLAIM",
  ];

  test("tell the SEAMCALL from the host's clear, which end-to-end times cannot", async () => {
    const outcome = await calibrateCsv(...EXIT, ...LEAVES);
    expect(priceOf(outcome, RECLAIM)).toBeCloseTo(3000, -1);
    expect(priceOf(outcome, "page clear")).toBeCloseTo(2000, -2);
    const clear = outcome.calibration.prices.find(({ term }) => term === "page clear");
    expect(clear?.price.unit).toBe("ns/page");
  });

  test("of a leaf that the teardown never calls are bad data", async () => {
    await expect(calibrateCsv(...EXIT, "4,16G,4K,exit,v16,1,,TDH.MEM.TRACK")).rejects.toThrow(
      expect.objectContaining({
        kind: "data",
        message: "rows.csv line 5: exit makes no call of TDH.MEM.TRACK",
      }),
    );
  });
});

describe("pages of 2 MiB", () => {
  const LARGE = ["4,16G,2M,exit,v16,9,,", "4,32G,2M,exit,v16,18,,", "4,64G,2M,exit,v16,36,,"];

  test("get a price of their own, and a fit that is not extrapolated for them", async () => {
    const outcome = await calibrateCsv(...EXIT, ...LARGE);
    expect(priceOf(outcome, "TDH.PHYMEM.PAGE.RECLAIM of 2M")).toBeCloseTo(1_098_000, -4);
    expect(priceOf(outcome, RECLAIM)).toBeCloseTo(5000, -2);
    expect(outcome.profile?.fits.map(({ fit, range }) => [fit, range.pageSizes])).toEqual([
      ["reclaim after the HKID is released", ["4K"]],
      ["reclaim after the HKID is released, pages of 2M", ["2M"]],
    ]);
  });

  test("that nobody timed are told as extrapolated", async () => {
    const { profile } = await calibrateCsv(...EXIT);
    const [row] = parseMeasurementRows(`${HEADER}\n4,32G,2M,exit,v16,1,,`, "x");
    if (profile === null || row === undefined) return expect.unreachable();
    const { teardown } = await countLife(row.options, "exit", RUN);
    expect(estimate(teardown, row.options, profile).elapsedNs.reasons).toContain(
      "reclaim after the HKID is released was measured with pages of 4K, not of 2M.",
    );
  });
});
