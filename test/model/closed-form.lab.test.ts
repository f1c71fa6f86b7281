import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_PROFILE } from "../../src/cost/profiles/index.ts";
import { createTd, populateTd } from "../../src/lab/lifecycle.ts";
import { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { resolveTdOptions, type TdOptions } from "../../src/lab/td-options.ts";
import { destroyFresh, destroyTd } from "../../src/lab/teardown.ts";
import { checkInvariants } from "../../src/module/invariants.ts";
import * as form from "../support/closed-form.ts";
import { randomTd } from "../support/random-td.ts";
import { PATIENCE, sample } from "../support/sample.ts";
import { expectPristine } from "../support/td-vm.ts";
import { tally } from "../support/totals.ts";

const SESSION = { step: false, profile: DEFAULT_PROFILE, seed: 1 };
const STRATEGIES = ["runtime", "exit", "hint"] as const;
const GIB = 2 ** 30;

/** Makes and populates the TD, holding each count against its formula. */
async function built(options: TdOptions, finalize: boolean): Promise<SimulatedHost> {
  const td = { ...options, finalized: finalize };
  const host = SimulatedHost.boot(options);
  await createTd(host, "a", options, SESSION);
  expect(checkInvariants(host.module)).toEqual([]);
  const report = await populateTd(host, "a", { finalize }, SESSION);
  expect(checkInvariants(host.module)).toEqual([]);
  const ioctls = report.ioctls.map(({ ioctl, seamcalls }) => ({
    phase: ioctl,
    byLeaf: seamcalls.byLeaf,
  }));
  expect(ioctls).toEqual([...form.creation(td), ...form.population(td)]);
  expect(report).toMatchObject({
    privatePages: { ...form.leaves(td), "1G": 0 },
    septPages: form.septPages(td),
    controlPages: form.controlPages(td),
  });
  return host;
}

/** Counts the SEAMCALLs that reach the module, whatever the ledger is told. */
function callsOf({ module }: SimulatedHost): () => number {
  let calls = 0;
  const { seamcall } = module;
  module.seamcall = (lp, r, count = 1, environment?) => {
    calls += count;
    return seamcall.call(module, lp, r, count, environment);
  };
  return () => calls;
}

/** Tears a copy of the TD down by every strategy, holding each count against its formula. */
async function compareTeardowns(host: SimulatedHost, td: form.TdForm): Promise<void> {
  for (const strategy of STRATEGIES) {
    const copy = host.clone();
    const calls = callsOf(copy);
    const { strategies } = await destroyTd(copy, "a", { strategy }, SESSION);
    const [result] = strategies;
    expect(calls()).toBe(result?.seamcalls.total);
    const expected = form.teardown(td, strategy);
    const phases = result?.phases.map(({ phase, seamcalls }) => ({
      phase,
      byLeaf: seamcalls.byLeaf,
    }));
    expect(phases).toEqual(expected.phases);
    expect(result).toMatchObject({
      seamcalls: { total: expected.total },
      statuses: { TDX_SUCCESS: expected.total },
      hostWork: {
        pagesCleared: expected.pagesCleared,
        bytesCleared: expected.pagesCleared * 4096,
        ipis: expected.ipis,
        vcpuKicks: expected.vcpuKicks,
      },
      end: { pagesLeaked: 0, hkidFree: true, tdrReclaimed: true },
    });
    expect(checkInvariants(copy.module)).toEqual([]);
    expectPristine(copy);
  }
}

describe("counts of the emulator equal the closed form", () => {
  it.each([
    ["of small TDs", { pages: 5000, scattered: 250, vcpus: 12 }, 300, 6000],
    ["of TDs as large as a host", { pages: 2 ** 33, scattered: 900, vcpus: 64 }, 200, 4000],
  ])(
    "%s",
    async (_, bounds, everyChange, nightly) => {
      const size = sample(everyChange, nightly);
      tally("E8", size.numRuns, "TDs by formula, by emulation and by calls that arrived");
      const tds = fc.tuple(randomTd(bounds), fc.boolean());
      await fc.assert(
        fc.asyncProperty(tds, async ([options, finalize]) => {
          const host = await built(options, finalize);
          await compareTeardowns(host, { ...options, finalized: finalize });
        }),
        size,
      );
    },
    4 * PATIENCE,
  );

  it.each([
    ["hint", 4_202_552],
    ["runtime", 16_785_464],
  ] as const)("of the documented example by %s", async (strategy, total) => {
    const options = resolveTdOptions({ memoryBytes: 16 * GIB, vcpus: 4, packages: 1 });
    const request = { strategy, source: "options" } as const;
    const result = await destroyFresh(options, request, SESSION);
    expect(form.teardown({ ...options, finalized: true }, strategy).total).toBe(total);
    expect(result.strategies[0]?.seamcalls.total).toBe(total);
  });

  it("to the last member of the documented example", async () => {
    const options = resolveTdOptions({ memoryBytes: 16 * GIB, vcpus: 4, packages: 1 });
    const request = { strategy: "hint", source: "options" } as const;
    const { td, strategies } = await destroyFresh(options, request, SESSION);
    expect(td).toMatchObject({
      privatePages: { "4K": 4_194_304, "2M": 0, "1G": 0 },
      septPages: 8209,
      controlPages: 31,
    });
    expect(strategies[0]).toMatchObject({
      seamcalls: {
        total: 4_202_552,
        byLeaf: {
          "TDH.VP.FLUSH": 4,
          "TDH.MNG.VPFLUSHDONE": 1,
          "TDH.PHYMEM.CACHE.WB": 1,
          "TDH.MNG.KEY.FREEID": 1,
          "TDH.PHYMEM.PAGE.RECLAIM": 4_202_544,
          "TDH.PHYMEM.PAGE.WBINVD": 1,
        },
      },
      hostWork: { pagesCleared: 4_202_544, bytesCleared: 17_213_620_224, ipis: 4, vcpuKicks: 0 },
    });
  });
});
