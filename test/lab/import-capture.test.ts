import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { calibrate } from "../../src/lab/calibrate/calibrate.ts";
import { parseMeasurementRows } from "../../src/lab/calibrate/measurement-rows.ts";
import { type ImportedCapture, importCapture } from "../../src/lab/import-capture.ts";

const RUN = { step: false };
const CAPTURES = new URL("../../fixtures/captures/", import.meta.url);
const SAMPLES = readdirSync(CAPTURES).filter((name) => name.endsWith(".txt"));
const HEAD = "# vcpus: 4\n# memory: 16G\n# strategy: exit\n";

function sample(name: string): Promise<ImportedCapture> {
  const text = readFileSync(new URL(name, CAPTURES), "utf8");
  return importCapture(text, name, { td: {} }, RUN);
}

function imported(...lines: string[]): Promise<ImportedCapture> {
  return importCapture(HEAD + lines.join("\n"), "t.txt", { td: {} }, RUN);
}

function secondsOf({ rows }: ImportedCapture, leaf?: string): number | undefined {
  return rows.find((row) => row.leaf === leaf)?.seconds;
}

const RECLAIM = "TDH.PHYMEM.PAGE.RECLAIM";

describe("the samples in fixtures", () => {
  test.each(SAMPLES)("%s says that it was made and not measured", async (name) => {
    const text = readFileSync(new URL(name, CAPTURES), "utf8");
    expect(text).toContain("no hardware was measured");
    for (const { source } of (await sample(name)).rows) {
      expect(source).toMatch(/made by the tdx-sim project .*; not measured$/);
    }
  });

  test.each(SAMPLES)("%s has the very counts of the emulator", async (name) => {
    const { counts, remarks } = await sample(name);
    for (const { captured, simulated } of counts) {
      if (captured !== null) expect(captured).toBe(simulated);
    }
    expect(remarks.filter((remark) => !remark.includes("does not say how long"))).toEqual([]);
  });

  test("of bpftrace give a row end to end and one for each leaf", async () => {
    const { rows } = await sample("exit-16g-4v.bpftrace.txt");
    expect(rows.map(({ leaf }) => leaf ?? "end to end")).toEqual([
      "end to end",
      "TDH.MNG.KEY.FREEID",
      "TDH.MNG.VPFLUSHDONE",
      "TDH.PHYMEM.CACHE.WB",
      RECLAIM,
      "TDH.PHYMEM.PAGE.WBINVD",
      "TDH.VP.FLUSH",
    ]);
    expect(rows[0]).toMatchObject({
      vcpus: 4,
      memory: 2 ** 34,
      pageSize: "4K",
      strategy: "exit",
      kernel: "v16",
      weight: 1,
    });
  });

  test("together calibrate to the prices they were made with", async () => {
    const rows = [];
    for (const name of SAMPLES.filter((each) => each.includes("bpftrace"))) {
      const capture = await sample(name);
      rows.push(...parseMeasurementRows(JSON.stringify(capture), name));
    }
    const { calibration } = await calibrate({ rows, file: "captures", name: "captures" }, RUN);
    const price = (term: string): number =>
      calibration.prices.find((each) => each.term === term)?.price.value ?? Number.NaN;
    const made = {
      [`${RECLAIM} of 4K`]: 2600,
      "TDH.MEM.RANGE.BLOCK of 4K": 2700,
      "TDH.MEM.TRACK": 2300,
      "TDH.MEM.PAGE.REMOVE of 4K": 4100,
      "TDH.PHYMEM.PAGE.WBINVD": 3500,
      "TDH.PHYMEM.CACHE.WB": 41e6,
      "TDH.VP.FLUSH": 2900,
    };
    for (const [term, ns] of Object.entries(made)) {
      expect(Math.abs(price(term) / ns - 1), term).toBeLessThan(0.05);
    }
  });
});

describe("bpftrace", () => {
  test.each([
    ["a leaf number", "28"],
    ["a hexadecimal one with a version above it", "0x1001c"],
    ["the wrapper's name", "tdh_phymem_page_reclaim"],
    ["the name of the probe", "kretprobe:tdh_phymem_page_reclaim"],
  ])("knows a leaf by %s", async (_what, key) => {
    const capture = await imported(`@calls[${key}]: 4202544`, `@ns[${key}]: 9000000000`);
    expect(secondsOf(capture, RECLAIM)).toBe(9);
    expect(capture.counts.find(({ leaf }) => leaf === RECLAIM)?.captured).toBe(4_202_544);
  });

  test("both wrappers of WBINVD count as that leaf", async () => {
    const { counts } = await imported(
      "@calls[tdh_phymem_page_wbinvd_tdr]: 1",
      "@calls[tdh_phymem_page_wbinvd_hkid]: 2",
    );
    expect(counts.find(({ leaf }) => leaf === "TDH.PHYMEM.PAGE.WBINVD")?.captured).toBe(3);
  });

  test("takes the unit from the map's name", async () => {
    expect(secondsOf(await imported("@latency_us[28]: 5000000"), RECLAIM)).toBe(5);
    expect(secondsOf(await imported("@ms[28]: 5000"), RECLAIM)).toBe(5);
    expect(secondsOf(await imported("@elapsed_ms: 21000"))).toBe(21);
  });

  test("a map without a unit is bad data", async () => {
    await expect(imported("@took[28]: 5")).rejects.toThrow(
      expect.objectContaining({ kind: "data", message: expect.stringContaining("t.txt line 4") }),
    );
  });

  test("stats() gives count and total", async () => {
    const capture = await imported("@ns[28]: count 4202544, average 2000, total 8405088000");
    expect(secondsOf(capture, RECLAIM)).toBe(8.405088);
    expect(capture.counts.find(({ leaf }) => leaf === RECLAIM)?.captured).toBe(4_202_544);
  });

  test("a histogram is summed by the middles of its buckets and counts for less", async () => {
    const { rows, counts } = await imported(
      "@ns[28]:",
      "[1K, 2K)         1000 |@@@@      |",
      "[2K, 4K)         3000 |@@@@@@@@@@|",
      "",
    );
    expect(rows[0]?.seconds).toBeCloseTo((1000 * 1536 + 3000 * 3072) / 1e9, 12);
    expect(rows[0]?.weight).toBeLessThan(0.05);
    expect(counts.find(({ leaf }) => leaf === RECLAIM)?.captured).toBe(4000);
  });

  test("an exact sum goes before a histogram of the same leaf", async () => {
    const { rows } = await imported("@ns[28]: 7000000000", "@us[28]:", "[2, 4)  3 |@@|");
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ seconds: 7, weight: 1 });
  });

  test("lhist() with its open ends and single values is read too", async () => {
    const { rows } = await imported(
      "@us[28]:",
      "(..., 0)      0 |    |",
      "[0]           0 |    |",
      "[0, 10)    1000 |@@@@|",
      "[100, ...)   10 |    |",
    );
    expect(rows[0]?.seconds).toBeCloseTo((1000 * 5 + 10 * 150) / 1e6, 12);
  });

  test("lost events are told", async () => {
    const { remarks } = await imported("Lost 17 events", "@ns[28]: 9000000000");
    expect(remarks[0]).toBe("The tracer lost 17 events: counts and sums are too small.");
  });
});

describe("perf", () => {
  test.each(["4,202,544", "4202544", "4.202.544"])(
    "stat counts %s in any locale",
    async (count) => {
      const { rows, counts } = await imported(
        ` ${count}      probe:tdh_phymem_page_reclaim      #    0.2 M/sec`,
        "      20.517438206 seconds time elapsed",
      );
      expect(counts.find(({ leaf }) => leaf === RECLAIM)?.captured).toBe(4_202_544);
      expect(rows).toMatchObject([{ seconds: 20.517438206, weight: 1 }]);
    },
  );

  test("ftrace latency is of the function that the command names", async () => {
    const histogram = ["     1 -    2 us |       1000 | ###  |", "     2 -    4 us |  0 |  |"];
    const { rows } = await imported(
      "# perf ftrace latency -T tdh_phymem_page_reclaim",
      ...histogram,
    );
    expect(rows).toMatchObject([{ leaf: RECLAIM, seconds: 0.0015 }]);
    await expect(imported(...histogram)).rejects.toThrow("holds no histogram");
  });

  test("ftrace statistics are exact where the histogram is not", async () => {
    const { rows } = await imported(
      "$ sudo perf ftrace latency -ab -T tdh_phymem_page_reclaim",
      "     2 -    4 us |       1000 | ###  |",
      "# statistics  (in usec)",
      "  total time:              2612",
      "    avg time:                 2",
      "       count:              1000",
    );
    expect(rows).toMatchObject([{ leaf: RECLAIM, seconds: 0.002612, weight: 1 }]);
  });
});

describe("which TD it was", () => {
  test("what the user says goes before what the file says", async () => {
    const { rows } = await importCapture(
      `${HEAD}@elapsed_ns: 5000000000`,
      "t.txt",
      { td: { vcpus: 9 }, strategy: "hint" },
      RUN,
    );
    expect(rows[0]).toMatchObject({ vcpus: 9, strategy: "hint", memory: 2 ** 34 });
  });

  test("what nobody says is asked for", async () => {
    const text = "# vcpus: 4\n@elapsed_ns: 5000000000";
    await expect(importCapture(text, "t.txt", { td: {} }, RUN)).rejects.toThrow(
      expect.objectContaining({
        kind: "usage",
        message: "t.txt does not say memory, strategy of the TD",
        hint: 'add a line "# memory: ..." to it, or give --memory',
      }),
    );
  });

  test("a count that is off is told with what it may mean", async () => {
    const { remarks } = await imported("@calls[28]: 2101272", "@elapsed_ns: 9");
    expect(remarks).toEqual([
      "TDH.PHYMEM.PAGE.RECLAIM was called 2101272 times, 50 % less than the 4202544 that this " +
        "teardown needs: another TD, a smaller populated size, or events that were lost.",
    ]);
  });

  test("a leaf that this teardown never calls is told and gives no row", async () => {
    const { rows, remarks } = await imported("@calls[38]: 5", "@ns[38]: 5000", "@elapsed_ns: 9");
    expect(rows).toHaveLength(1);
    expect(remarks).toEqual(["TDH.MEM.TRACK was called 5 times; this teardown never calls it."]);
  });
});

test.each(["", "hello", "4 5 6"])("%j is no capture", async (text) => {
  await expect(imported(text)).rejects.toThrow(
    expect.objectContaining({ kind: "data", hint: expect.stringContaining("measure-your-host") }),
  );
});
