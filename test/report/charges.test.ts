import { describe, expect, test } from "vitest";
import type { Explanation } from "../../src/lab/explain-estimate.ts";
import { chargesRows, chargesSheet } from "../../src/report/charges.ts";

const RATIO = {
  value: 0.11,
  low: 0.11,
  high: 0.11,
  unit: "ratio",
  basis: "fitted",
  source: "largest leave-one-out error, 10.5 %",
  conditions: "three TDs",
} as const;

const EXAMPLE: Explanation = {
  schema: "tdx-sim/explanation/v1",
  simulated: true,
  version: "0.1.0",
  kernel: "v16",
  module: "1.5.01",
  profile: { name: "mine", sha256: "ab".repeat(32) },
  subject: "runtime",
  td: { memoryBytes: 2 ** 34, populatedBytes: 2 ** 33, vcpus: 4, pageSize: "4K" },
  terms: [
    {
      term: "removal",
      phases: ["remove-private"],
      count: 2_097_152,
      priceNs: { low: 12_000, mid: 12_600, high: 14_000, basis: "fitted" },
      timeNs: { low: 25e9, mid: 26e9, high: 29e9, basis: "fitted" },
      source: "a mail\u001b[2J",
      conditions: "4 KiB pages",
      parts: [
        { leaf: "TDH.MEM.TRACK", timeNs: { low: 0, mid: 13e9, high: 29e9, basis: "assumed" } },
      ],
    },
    {
      term: "fixed teardown",
      phases: ["release-hkid"],
      count: 1,
      priceNs: { low: 0, mid: 35e7, high: 7e8, basis: "fitted" },
      timeNs: { low: 0, mid: 35e7, high: 7e8, basis: "fitted" },
      source: "a remark",
      conditions: "if it covers that run",
    },
  ],
  phases: [
    { phase: "remove-private", elapsedNs: { low: 23e9, mid: 26e9, high: 29e9, basis: "fitted" } },
    { phase: "release-hkid", elapsedNs: { low: 0, mid: 35e7, high: 7e8, basis: "fitted" } },
  ],
  elapsedNs: {
    low: 23e9,
    mid: 26.35e9,
    high: 29.7e9,
    basis: "assumed",
    extrapolated: true,
    reasons: ["It was measured elsewhere."],
  },
  fits: [
    {
      fit: "removal",
      terms: ["removal"],
      tolerance: RATIO,
      toleranceAbove: { ...RATIO, value: 2.2, low: 2.2, high: 2.2 },
    },
  ],
};

describe("the sum of an estimate", () => {
  test("is told as count x price, term by term", () => {
    expect(chargesSheet(EXAMPLE, 80).join("\n")).toBe(
      [
        "SIMULATED runtime of a TD of 16 GiB, 8 GiB mapped, 4 vCPUs, pages of 4K: what",
        "the estimated time is the sum of",
        "tdx-sim 0.1.0, kernel v16, TDX module 1.5.01, cost profile mine",
        "",
        "removal in remove-private",
        "  2,097,152 x 13 us (12 to 14 us, fitted)",
        "  = 26 s (25 to 29 s, fitted)",
        "    from a mail\\u001b[2J",
        "    of which TDH.MEM.TRACK 13 s (0 to 29 s, assumed)",
        "",
        "fixed teardown in release-hkid",
        "  1 x 350 ms (0 to 700 ms, fitted)",
        "  = 350 ms (0 to 700 ms, fitted)",
        "    from a remark",
        "",
        "Estimated time 26 s (23 to 30 s, assumed)",
        "  remove-private    26 s  23 to 29 s   fitted",
        "  release-hkid    350 ms  0 to 700 ms  fitted",
        "The sum of removal is known to -11 % to +220 % inside what was measured (fitted:",
        "largest leave-one-out error, 10.5 %); its parts are not, so their ranges do not",
        "add up to its own.",
        "- It was measured elsewhere.",
      ].join("\n"),
    );
  });

  test("has a flat row for each term with range, basis and source", () => {
    const rows = chargesRows(EXAMPLE);
    expect(rows.map((row) => row["term"])).toEqual(["removal", "fixed teardown"]);
    expect(rows[0]).toMatchObject({
      simulated: true,
      count: 2_097_152,
      "priceNs.mid": 12_600,
      "timeNs.low": 25e9,
      "timeNs.high": 29e9,
      "timeNs.basis": "fitted",
    });
    expect(Object.keys(rows[0] ?? {})).toEqual(Object.keys(rows[1] ?? {}));
  });
});
