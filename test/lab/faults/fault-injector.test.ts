import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { legalFaults } from "../../../src/lab/faults/legal-statuses.ts";
import type { SimulatedHost } from "../../../src/lab/simulated-host.ts";
import { EMULATED } from "../../../src/module/leaf-table.ts";
import { populatedHost, type TornDown, tearDown } from "../../support/faulted-teardown.ts";
import { PATIENCE, sample } from "../../support/sample.ts";

const MIB = 2 ** 20;
const RECLAIM = "TDH.PHYMEM.PAGE.RECLAIM";

function entry({ result }: TornDown) {
  const [first] = result.strategies;
  if (first === undefined) throw new Error("no strategy was run");
  return first;
}

/** All that a run leaves behind, but for how its pages are kept. */
function outcome(torn: TornDown): unknown {
  const { seamcalls, phases, statuses, hostWork, end } = entry(torn);
  return { seamcalls, phases, statuses, hostWork, end, warnings: torn.result.warnings };
}

describe("faults strike at the same calls in spans as in single steps", () => {
  const place = fc.oneof(
    fc.integer({ min: 1, max: 1100 }).map((k) => `@k=${k}`),
    fc
      .tuple(fc.integer({ min: 1, max: 700 }), fc.integer({ min: 1, max: 4 }))
      .map(([from, times]) => `:from=${from},times=${times}`),
    fc.constantFrom(":p=0.01", ":p=0.2"),
    fc.integer({ min: 0, max: 600 }).map((page) => `@page=${page * 4096},times=2`),
  );
  const leaf = fc.constantFrom(
    "TDH.MEM.RANGE.BLOCK",
    "TDH.MEM.TRACK",
    "TDH.MEM.PAGE.REMOVE",
    "TDH.PHYMEM.PAGE.WBINVD",
    RECLAIM,
    "*",
  );
  const busy = fc.constantFrom("OPERAND_BUSY|RCX", "OPERAND_BUSY|SEPT_TREE", "OPERAND_BUSY|TDR");
  const fault = fc
    .tuple(leaf, busy, place)
    .map(([name, status, where]) => `${name}:${status}${where}`)
    .filter((text) => {
      const [name = "", status = ""] = text.split(/[:@]/);
      return name === "*" || legalFaults(name).includes(`TDX_${status}`);
    });

  test.each(["runtime", "hint"])(
    "of %s",
    async (strategy) => {
      const host = await populatedHost({ memoryBytes: 2 * MIB, vcpus: 1 });
      const property = fc.asyncProperty(
        fc.array(fault, { minLength: 1, maxLength: 3 }),
        async (all) => {
          const spanned = await tearDown(host, strategy, all);
          const stepped = await tearDown(host, strategy, all, { step: true });
          expect(outcome(spanned)).toEqual(outcome(stepped));
          expect(spanned.td.vm.state).toEqual(stepped.td.vm.state);
        },
      );
      await fc.assert(property, sample(40, 2000));
    },
    PATIENCE,
  );
});

describe("a control page that the module keeps", () => {
  const PAGES = 16;
  const TABLES = 3;
  // Of two vCPUs, each of which gives five TDVPX and then its TDVPR.
  const controlReclaims = Array.from({ length: 12 }, (_, i) => i);

  test.each(controlReclaims)("leaks with the TDR, number %d of the vCPUs' pages", async (n) => {
    const host = await populatedHost({ memoryBytes: PAGES * 4096, vcpus: 2 });
    const [vcpu, page] = [Math.floor(n / 6), n % 6];
    const own = host.td("td")?.vm.state.vcpus[vcpu];
    const expected = (page < 5 ? own?.tdvpx[page] : own?.tdvpr) ?? 0;
    const fault = `${RECLAIM}:OPERAND_BUSY|TDR@k=${PAGES + TABLES + n + 1}`;
    const spanned = await tearDown(host, "hint", [fault]);
    const stepped = await tearDown(host, "hint", [fault], { step: true });
    const { end, hostWork } = entry(spanned);
    expect(end.leaks).toEqual([
      { address: `0x${(expected * 4096).toString(16)}`, pages: 1, what: "control page" },
      expect.objectContaining({ pages: 1, what: "control page" }),
    ]);
    expect(hostWork.pagesCleared).toBe(PAGES + TABLES + 11 + 6);
    expect(outcome(spanned)).toEqual(outcome(stepped));
    expect(spanned.td.vm.state).toEqual(stepped.td.vm.state);
  });
});

describe("on 1 GiB", () => {
  let host: SimulatedHost | undefined;
  const populated = async (): Promise<SimulatedHost> => {
    host ??= await populatedHost({ memoryBytes: 1024 * MIB, vcpus: 1 });
    return host;
  };

  test("chances strike about as often as they should, the same for the same seed", async () => {
    const runs = await Promise.all(
      [1, 1, 2].map(async (seed) => {
        const faults = [`${RECLAIM}:OPERAND_BUSY:p=0.001`];
        const torn = await tearDown(await populated(), "hint", faults, { seed });
        return entry(torn).statuses["TDX_OPERAND_BUSY|RCX"] ?? 0;
      }),
    );
    expect(runs[1]).toBe(runs[0]);
    expect(runs[2]).not.toBe(runs[0]);
    for (const struck of runs) {
      // 262,670 calls: 263 expected, five standard deviations either side.
      expect(struck).toBeGreaterThan(180);
      expect(struck).toBeLessThan(345);
    }
  });

  test("a call far away is struck without single steps up to it", async () => {
    const torn = await tearDown(await populated(), "hint", [
      `${RECLAIM}:OPERAND_BUSY|TDR@k=200001`,
    ]);
    expect(entry(torn).end).toMatchObject({
      pagesLeaked: 2,
      tdrReclaimed: false,
      warned: {
        [`${RECLAIM} TDX_OPERAND_BUSY|TDR`]: 1,
        [`${RECLAIM} TDX_TD_ASSOCIATED_PAGES_EXIST`]: 1,
      },
    });
    const [page, tdr] = entry(torn).end.leaks ?? [];
    expect(page).toMatchObject({ pages: 1, what: "private page" });
    expect(tdr).toMatchObject({ pages: 1, what: "control page" });
  });
});

describe("a fault that never ends", () => {
  test("on a retry without bound is a livelock, told with its call", async () => {
    const host = await populatedHost({ memoryBytes: 16 * 4096, vcpus: 1 });
    const torn = await tearDown(host, "hint", [`${RECLAIM}:OPERAND_BUSY:from=3`]);
    expect(entry(torn).end.livelock).toEqual({
      leaf: RECLAIM,
      status: "TDX_OPERAND_BUSY|RCX",
      calls: 100_000,
    });
    expect(torn.td.vm.state.isDestroyed).toBe(false);
    expect(torn.result.warnings.join()).toContain("hint never ends");
  });

  test("on a write-back comes to its end, because each call writes one part", async () => {
    const host = await populatedHost({ memoryBytes: 16 * 4096, vcpus: 1 });
    const torn = await tearDown(host, "hint", ["TDH.PHYMEM.CACHE.WB:INTERRUPTED_RESUMABLE"]);
    const { statuses, end } = entry(torn);
    expect(statuses["TDX_INTERRUPTED_RESUMABLE"]).toBe(7);
    expect(end).toEqual({ pagesLeaked: 0, hkidFree: true, tdrReclaimed: true });
  });
});

test("a fault that struck nothing is told", async () => {
  const host = await populatedHost({ memoryBytes: 16 * 4096, vcpus: 1 });
  const torn = await tearDown(host, "hint", [`${RECLAIM}:OPERAND_BUSY@k=1000`]);
  expect(torn.result.warnings).toEqual([`fault "${RECLAIM}:OPERAND_BUSY@k=1000" never struck`]);
});

test("every emulated leaf that can fail has statuses to fail with", () => {
  const without = EMULATED.filter(({ name }) => legalFaults(name).length === 0);
  expect(without.map(({ name }) => name).filter((name) => !/PAMT|RECLAIMID/.test(name))).toEqual(
    [],
  );
});
