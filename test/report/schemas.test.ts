import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PUBLISHED_2025 } from "../../src/cost/profiles/published-2025.ts";
import { judge, withOutcomes } from "../../src/lab/expect/expectation.ts";
import { parseExpectation } from "../../src/lab/expect/parse.ts";
import { parseFault } from "../../src/lab/faults/fault-plan.ts";
import { GENERATIONS } from "../../src/lab/kernels.ts";
import { leafCoverage } from "../../src/lab/leaf-coverage.ts";
import { createTd, populateTd } from "../../src/lab/lifecycle.ts";
import { PLATFORMS } from "../../src/lab/platforms.ts";
import type { Result } from "../../src/lab/result.ts";
import { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { LAYOUTS, resolveTdOptions, type TdOptions } from "../../src/lab/td-options.ts";
import { compareFresh, type Session } from "../../src/lab/teardown.ts";
import { render } from "../../src/report/render.ts";
import { SCHEMA_NAMES } from "../../src/report/schema-names.ts";
import { isSchema, JSON_SCHEMAS, schemaFaults } from "../support/schema-faults.ts";

const MIB = 2 ** 20;
/** Whole teardowns, on machines that may have two busy cores. */
const SLOW_MS = 60_000;

const session: Session = { step: false, seed: 1, profile: PUBLISHED_2025 };

const options = fc.record({
  memoryBytes: fc.integer({ min: 1, max: 16 }).map((n) => n * 4 * MIB),
  vcpus: fc.integer({ min: 1, max: 20 }),
  pageSize: fc.constantFrom("4K" as const, "2M" as const),
  layout: fc.constantFrom(...LAYOUTS),
  kernel: fc.constantFrom(...GENERATIONS.keys()),
  platform: fc.constantFrom(null, ...PLATFORMS.values()),
});

async function resultOf(given: Partial<TdOptions>, fault: string | null): Promise<Result> {
  const faulty = fault === null ? {} : { faults: { plans: [parseFault(fault, false)], seed: 1 } };
  const td = resolveTdOptions(given);
  const result = await compareFresh(td, { source: "options" }, { ...session, ...faulty });
  const comparison = parseExpectation("runtime.seamcalls.total / 0 > 3", [...GENERATIONS.keys()]);
  const { strategies } = result;
  const expectations = judge([{ comparison, level: "warn" }], strategies, result.comparison);
  return withOutcomes(result, expectations);
}

/** A schema as far as order goes. */
interface Ordered {
  readonly properties?: Readonly<Record<string, Ordered>>;
  readonly items?: Ordered;
}

function expectSchemaOrder({ properties, items }: Ordered, value: unknown): void {
  if (Array.isArray(value)) for (const each of value) expectSchemaOrder(items ?? {}, each);
  if (properties === undefined || value === null || typeof value !== "object") return;
  const entries = Object.entries(value);
  const names = Object.keys(properties).filter((name) => Object.hasOwn(value, name));
  expect(entries.map(([name]) => name)).toEqual(names);
  for (const [name, each] of entries) expectSchemaOrder(properties[name] ?? {}, each);
}

describe("JSON Schemas", () => {
  test("there is one for each name, and a judge takes it", () => {
    expect(Object.keys(JSON_SCHEMAS).sort()).toEqual([...SCHEMA_NAMES].sort());
    for (const schema of Object.values(JSON_SCHEMAS)) expect(isSchema(schema)).toBe(true);
  });

  test(
    "results and rows of random TDs keep to theirs, on every kernel and platform",
    async () => {
      const busy = "TDH.PHYMEM.PAGE.RECLAIM:OPERAND_BUSY@k=2";
      const mib4 = fc.tuple(options, fc.constantFrom(null, busy));
      await fc.assert(
        fc.asyncProperty(mib4, async ([given, fault]) => {
          const result = await resultOf(given, fault);
          const as = (format: "json" | "ndjson", ...results: Result[]) =>
            render(results, { format, color: false, width: 80 });
          expect(schemaFaults("result", JSON.parse(await as("json", result)))).toBeNull();
          expect(schemaFaults("run", JSON.parse(await as("json", result, result)))).toBeNull();
          for (const line of (await as("ndjson", result)).trimEnd().split("\n")) {
            expect(schemaFaults("row", JSON.parse(line))).toBeNull();
          }
        }),
        { numRuns: 25 },
      );
    },
    SLOW_MS,
  );

  test(
    "reports of random TDs keep to theirs",
    async () => {
      await fc.assert(
        fc.asyncProperty(options, fc.boolean(), async (given, finalize) => {
          const td = resolveTdOptions(given);
          const host = SimulatedHost.boot(td);
          await createTd(host, "a", td, session);
          await populateTd(host, "a", { finalize }, session);
          expect(schemaFaults("td-list", host.list())).toBeNull();
          expect(schemaFaults("td", host.report("a"))).toBeNull();
        }),
        { numRuns: 15 },
      );
    },
    SLOW_MS,
  );

  test("named platforms, the built-in profile and the list of leaves keep to theirs", () => {
    for (const platform of PLATFORMS.values())
      expect(schemaFaults("platform", platform)).toBeNull();
    expect(schemaFaults("profile", PUBLISHED_2025)).toBeNull();
    expect(schemaFaults("leaves", leafCoverage())).toBeNull();
  });

  test("a result has its keys in the order of its schema", async () => {
    const busy = "TDH.PHYMEM.PAGE.RECLAIM:OPERAND_BUSY@k=2";
    const result = await resultOf({ memoryBytes: 4 * MIB }, busy);
    expectSchemaOrder(JSON_SCHEMAS["result"] ?? {}, JSON.parse(JSON.stringify(result)));
  });

  test("a result with a key too many or too few does not", async () => {
    const result = JSON.parse(JSON.stringify(await resultOf({ memoryBytes: 4 * MIB }, null)));
    expect(schemaFaults("result", { ...result, more: 1 })).not.toBeNull();
    expect(schemaFaults("result", { ...result, td: {} })).not.toBeNull();
    const [first] = result.strategies;
    first.seamcalls.byLeaf["TDH.MEM.TRACK"] = 0.5;
    expect(schemaFaults("result", result)).not.toBeNull();
  });
});
