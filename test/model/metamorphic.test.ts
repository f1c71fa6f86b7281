import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TdVm } from "../../src/lab/ioctls.ts";
import { createTd, populateTd, requireTd } from "../../src/lab/lifecycle.ts";
import type { StrategyResult } from "../../src/lab/result.ts";
import { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { resolveTdOptions, type TdOptions } from "../../src/lab/td-options.ts";
import { destroyFresh, destroyTd } from "../../src/lab/teardown.ts";
import { session, wrongsOf } from "../support/faulted-teardown.ts";
import { PATIENCE, sample } from "../support/sample.ts";
import { tally } from "../support/totals.ts";

async function hold<T>(property: fc.IAsyncProperty<T>, everyChange: number, nightly: number) {
  const size = sample(everyChange, nightly);
  tally("E9", size.numRuns, "pairs of lives that are related");
  await fc.assert(property, size);
}

const PAGE = 4096;
const MIB_2 = 2 ** 21;
const RECLAIM = "TDH.PHYMEM.PAGE.RECLAIM";

async function torn(options: Partial<TdOptions>, strategy: string): Promise<StrategyResult> {
  const td = resolveTdOptions(options);
  const result = await destroyFresh(td, { strategy, source: "options" }, session());
  const [entry] = result.strategies;
  if (entry === undefined) throw new Error("no strategy was run");
  return entry;
}

/** Calls that `more` has beyond `less`, by leaf. */
function beyond(more: StrategyResult, less: StrategyResult): Record<string, number> {
  const differences = Object.entries(more.seamcalls.byLeaf).map(([leaf, count]) => {
    return [leaf, count - (less.seamcalls.byLeaf[leaf] ?? 0)] as const;
  });
  return Object.fromEntries(differences.filter(([, count]) => count !== 0));
}

describe("one page more in a table that is there", () => {
  const pages = fc.integer({ min: 1, max: 5000 }).filter((count) => count % 512 !== 0);

  test(
    "costs the hint one RECLAIM",
    async () => {
      const property = fc.asyncProperty(pages, async (count) => {
        const less = await torn({ memoryBytes: count * PAGE }, "hint");
        const more = await torn({ memoryBytes: (count + 1) * PAGE }, "hint");
        expect(beyond(more, less)).toEqual({ [RECLAIM]: 1 });
      });
      await hold(property, 40, 2500);
    },
    PATIENCE,
  );

  test(
    "costs runtime removal BLOCK, TRACK, REMOVE and WBINVD",
    async () => {
      const property = fc.asyncProperty(pages, async (count) => {
        const less = await torn({ memoryBytes: count * PAGE }, "runtime");
        const more = await torn({ memoryBytes: (count + 1) * PAGE }, "runtime");
        expect(beyond(more, less)).toEqual({
          "TDH.MEM.RANGE.BLOCK": 1,
          "TDH.MEM.TRACK": 1,
          "TDH.MEM.PAGE.REMOVE": 1,
          "TDH.PHYMEM.PAGE.WBINVD": 1,
        });
      });
      await hold(property, 40, 2500);
    },
    PATIENCE,
  );
});

const shape = fc.record({
  memoryBytes: fc.integer({ min: 1, max: 64 }).map((count) => count * MIB_2),
  vcpus: fc.integer({ min: 1, max: 8 }),
  packages: fc.integer({ min: 1, max: 4 }),
});

test(
  "a 2 MiB page takes the place of 512 small ones and of their table",
  async () => {
    const property = fc.asyncProperty(shape, async (options) => {
      const small = await torn({ ...options, pageSize: "4K" }, "hint");
      const large = await torn({ ...options, pageSize: "2M" }, "hint");
      const pages = options.memoryBytes / MIB_2;
      expect(beyond(small, large)).toEqual({ [RECLAIM]: pages * 511 + pages });
      expect(small.hostWork.pagesCleared - large.hostWork.pagesCleared).toBe(pages);
    });
    await hold(property, 25, 2500);
  },
  PATIENCE,
);

test(
  "no TD costs the hint more SEAMCALLs than runtime removal",
  async () => {
    const property = fc.asyncProperty(shape, async (options) => {
      const hint = await torn(options, "hint");
      expect(hint.seamcalls.total).toBeLessThanOrEqual(
        (await torn(options, "runtime")).seamcalls.total,
      );
    });
    await hold(property, 25, 2500);
  },
  PATIENCE,
);

/** A TD populated in parts. */
async function populatedInParts(options: Partial<TdOptions>, parts: readonly number[]) {
  const td = resolveTdOptions(options);
  const host = SimulatedHost.boot(td);
  await createTd(host, "td", td, session());
  for (const bytes of parts) await populateTd(host, "td", { finalize: true, bytes }, session());
  return host;
}

test(
  "memory populated in parts is torn down as memory populated at once",
  async () => {
    const parts = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 4 });
    const property = fc.asyncProperty(parts, async (increments) => {
      let bytes = 0;
      const ends = increments.map((pages) => {
        bytes += pages * PAGE;
        return bytes;
      });
      // One page stays unmapped, because a TD that is full takes no more.
      const options = { memoryBytes: bytes + PAGE, populatedBytes: bytes };
      for (const strategy of ["runtime", "hint"]) {
        const host = await populatedInParts(options, ends);
        const result = await destroyTd(host, "td", { strategy }, session());
        const whole = await torn(options, strategy);
        expect(result.strategies[0]?.seamcalls).toEqual(whole.seamcalls);
      }
    });
    await hold(property, 25, 1000);
  },
  PATIENCE,
);

test(
  "a TD made and destroyed leaves the host as it was",
  async () => {
    const property = fc.asyncProperty(shape, async (options) => {
      for (const strategy of ["runtime", "exit", "hint"]) {
        const td = resolveTdOptions(options);
        const pristine = SimulatedHost.boot(td);
        const host = await populatedInParts(options, [options.memoryBytes]);
        const result = await destroyTd(host, "td", { strategy }, session());
        expect(wrongsOf({ host, td: requireTd(host, "td"), result })).toEqual([]);
        expect(kept(host)).toEqual(kept(pristine));
      }
    });
    await hold(property, 15, 1000);
  },
  PATIENCE,
);

/** A TD of 64 pages at the end of its life, touched in this order. */
function touched(order: readonly number[]): { host: SimulatedHost; td: TdVm } {
  const options = resolveTdOptions({ memoryBytes: 64 * PAGE, vcpus: 2 });
  const host = SimulatedHost.boot(options);
  const td = TdVm.create(host, "td", options);
  td.initVm();
  for (const vcpu of [0, 1]) {
    td.createVcpu();
    td.initVcpu(vcpu);
  }
  td.finalizeVm();
  for (const page of order) td.touch({ offset: page * PAGE, bytes: PAGE });
  return { host, td };
}

const order = fc.shuffledSubarray(
  Array.from({ length: 64 }, (_, page) => page),
  { minLength: 1, maxLength: 64 },
);

test(
  "the order in which pages were populated makes no difference to any teardown",
  async () => {
    const strategy = fc.constantFrom("runtime", "exit", "hint");
    const property = fc.asyncProperty(order, strategy, async (pages, chosen) => {
      const [shuffled, sorted] = [pages, [...pages].sort((a, b) => a - b)].map((each) =>
        touched(each).td.destroy(chosen),
      );
      expect(sorted).toMatchObject({ ok: true });
      expect(shuffled).toEqual(sorted);
    });
    await hold(property, 15, 1000);
  },
  PATIENCE,
);

test(
  "a second hint makes no SEAMCALL and changes nothing",
  async () => {
    const property = fc.asyncProperty(order, async (pages) => {
      const { host, td } = touched(pages);
      expect(td.releaseVm()).toMatchObject({ ok: true });
      const after = JSON.stringify(host.snapshot());
      expect(td.releaseVm()).toMatchObject({ ok: true, seamcalls: { total: 0 } });
      expect(JSON.stringify(host.snapshot())).toBe(after);
    });
    await hold(property, 15, 1000);
  },
  PATIENCE,
);

/** All but what the host's own memory and the PAMT entries of free pages remember (ABI 5). */
function kept(host: SimulatedHost): unknown {
  const { platform, pages, hkidsUsed, module } = host.snapshot();
  const { kot, cacheWriteBacks, tds, vcpus, guests } = module;
  return { platform, pages, hkidsUsed, kot, cacheWriteBacks, tds, vcpus, guests };
}
