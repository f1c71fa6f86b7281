import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BUILT_IN_PROFILES } from "../../src/cost/profiles/index.ts";
import { calibrate } from "../../src/lab/calibrate/calibrate.ts";
import { parseMeasurementRows } from "../../src/lab/calibrate/measurement-rows.ts";
import { BUILDING, explainEstimate } from "../../src/lab/explain-estimate.ts";
import { explainStrategy } from "../../src/lab/explain-strategy.ts";
import { importCapture } from "../../src/lab/import-capture.ts";
import { kernelsDocument } from "../../src/lab/kernel-facts.ts";
import { GENERATIONS, generation } from "../../src/lab/kernels.ts";
import { leafCoverage } from "../../src/lab/leaf-coverage.ts";
import { parseWhatIf } from "../../src/lab/what-if.ts";
import { randomTd } from "../support/random-td.ts";
import { schemaFaults } from "../support/schema-faults.ts";

const RUN = { step: false };
/** Counts of many TDs, on machines that may have two busy cores. */
const SLOW_MS = 60_000;

const tds = randomTd({ pages: 2 ** 22, scattered: 500, vcpus: 64 });
const profiles = fc.constantFrom(...BUILT_IN_PROFILES.values());
/** A strategy of a kernel, with the ideas that go with each. */
const strategies = fc.constantFrom(
  ...[...GENERATIONS.values()].flatMap((kernel) =>
    kernel.strategies.map((strategy) => ({ kernel: kernel.name, strategy })),
  ),
);
const whatIfs = fc
  .subarray(["batch-track", "batch-wbinvd", "no-clear"])
  .map((texts) => texts.map(parseWhatIf));

describe("documents keep to their JSON Schema", () => {
  test("the kernels, all and one by one", () => {
    expect(schemaFaults("kernels", kernelsDocument())).toBeNull();
    for (const name of GENERATIONS.keys()) {
      expect(schemaFaults("kernels", kernelsDocument([name])), name).toBeNull();
    }
  });

  test(
    "explanations of every strategy of random TDs, with what-ifs, by every profile",
    async () => {
      await fc.assert(
        fc.asyncProperty(
          tds,
          strategies,
          whatIfs,
          profiles,
          async (td, { kernel, strategy }, ideas, profile) => {
            const session = { ...RUN, seed: 1, profile, whatIf: ideas };
            const explanation = await explainEstimate({ ...td, kernel }, strategy.name, session);
            const procedure = explainStrategy(generation(kernel), strategy, ideas);
            expect(schemaFaults("explanation", { ...explanation, procedure })).toBeNull();
          },
        ),
        { numRuns: 60 },
      );
    },
    SLOW_MS,
  );

  test(
    "explanations of making and filling random TDs, which have no procedure",
    async () => {
      const subjects = fc.constantFrom(...Object.keys(BUILDING));
      await fc.assert(
        fc.asyncProperty(tds, subjects, profiles, async (td, subject, profile) => {
          const explanation = await explainEstimate(td, subject, { ...RUN, seed: 1, profile });
          expect(schemaFaults("explanation", explanation)).toBeNull();
        }),
        { numRuns: 30 },
      );
    },
    SLOW_MS,
  );

  test(
    "calibrations by random times, with and without a profile",
    async () => {
      const row = fc.record({
        vcpus: fc.integer({ min: 1, max: 64 }),
        memory: fc.integer({ min: 1, max: 128 }).map((gib) => `${gib}G`),
        pageSize: fc.constantFrom("4K", "2M"),
        strategy: fc.constantFrom("exit", "runtime", "hint"),
        kernel: fc.constant("v16"),
        seconds: fc.double({ min: 1e-3, max: 1e4, noNaN: true }),
        weight: fc.double({ min: 0.01, max: 1, noNaN: true }),
      });
      const seen = new Set<boolean>();
      await fc.assert(
        fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 6 }), async (rows) => {
          const parsed = parseMeasurementRows(JSON.stringify(rows), "rows.json");
          const request = { rows: parsed, file: "rows.json", name: "random" };
          const { calibration } = await calibrate(request, RUN);
          seen.add(calibration.profile !== null);
          expect(schemaFaults("calibration", calibration)).toBeNull();
        }),
        {
          numRuns: 40,
          examples: [[[slow(8, 21)]], [[slow(8, 21), slow(16, 42), slow(32, 84)]], [wild()]],
        },
      );
      expect(seen).toEqual(new Set([true, false]));
    },
    SLOW_MS,
  );

  test("captures of random counts and times", async () => {
    const leaves = leafCoverage().leaves.filter(({ caller }) => caller === "host");
    const line = fc
      .record({
        leaf: fc.constantFrom(...leaves.map(({ number }) => number)),
        map: fc.constantFrom("calls", "ns", "us"),
        value: fc.integer({ min: 0, max: 10 ** 10 }),
      })
      .map(({ leaf, map, value }) => `@${map}[${leaf}]: ${value}`);
    const more = fc.constantFrom("Lost 17 events", "@elapsed_ms: 21000", "");
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 8 }), more, async (lines, end) => {
        const head = ["# vcpus: 4", "# memory: 16G", "# strategy: exit"];
        const text = [...head, ...lines, end].join("\n");
        const capture = await importCapture(text, "t.txt", { td: {} }, RUN);
        expect(schemaFaults("capture", capture)).toBeNull();
      }),
      { numRuns: 60 },
    );
  });
});

function slow(gib: number, seconds: number) {
  const td = { vcpus: 4, memory: `${gib}G`, pageSize: "4K", kernel: "v16" };
  return { ...td, strategy: "exit", seconds, weight: 1 };
}

/** Times that no price can explain: the range goes beyond what an estimate counts. */
function wild() {
  const row = { ...slow(1, 0.001), vcpus: 1, strategy: "exit" as const };
  return [
    { ...row, weight: 0.01 },
    { ...row, memory: "33G", weight: 0.0288 },
    { ...row, seconds: 61.227, weight: 0.01 },
  ];
}
