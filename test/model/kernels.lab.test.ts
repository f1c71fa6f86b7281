import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_PROFILE } from "../../src/cost/profiles/index.ts";
import { formulasOf } from "../../src/lab/explain-formulas.ts";
import { GENERATIONS } from "../../src/lab/kernels.ts";
import { createTd, populateTd } from "../../src/lab/lifecycle.ts";
import { PLATFORMS } from "../../src/lab/platforms.ts";
import { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { resolveTdOptions, type TdOptions } from "../../src/lab/td-options.ts";
import { destroyTd, type Session } from "../../src/lab/teardown.ts";
import { parseWhatIfs } from "../../src/lab/what-if.ts";
import { checkInvariants } from "../../src/module/invariants.ts";
import {
  type Ideas,
  initVmOn,
  KERNELS,
  type KernelForm,
  pamtAdds,
  teardownOn,
  tornDown,
} from "../support/closed-form-kernels.ts";
import { randomTd } from "../support/random-td.ts";
import { PATIENCE, sample } from "../support/sample.ts";
import { tally } from "../support/totals.ts";

const SESSION: Session = { step: false, profile: DEFAULT_PROFILE, seed: 1 };
const SMALL = { pages: 4000, scattered: 800, vcpus: 9 };
const LARGE = { pages: 2 ** 33, scattered: 3000, vcpus: 90 };

/** A TD of any shape on any of the kernels. */
function tdOnAnyKernel(bounds: typeof SMALL): fc.Arbitrary<TdOptions> {
  const kernel = fc.constantFrom(...Object.keys(KERNELS));
  return fc
    .tuple(randomTd(bounds), kernel, fc.boolean())
    .map(([options, name, finalize]) => resolveTdOptions({ ...options, kernel: name, finalize }));
}

async function built(options: TdOptions): Promise<SimulatedHost> {
  const host = SimulatedHost.boot(options);
  await createTd(host, "a", options, SESSION);
  await populateTd(host, "a", { finalize: true }, SESSION);
  return host;
}

function kernelOf(options: TdOptions): KernelForm {
  return KERNELS[options.kernel] ?? expect.unreachable(`no form of ${options.kernel}`);
}

async function holdTeardowns(
  host: SimulatedHost,
  options: TdOptions,
  ideas: Ideas = {},
  session = SESSION,
): Promise<void> {
  const kernel = kernelOf(options);
  for (const strategy of Object.keys(kernel.strategies)) {
    const copy = host.clone();
    const { strategies } = await destroyTd(copy, "a", { strategy }, session);
    const [result] = strategies;
    const before = tornDown({ ...options, finalized: options.finalize });
    const expected = teardownOn(kernel, strategy, before, ideas);
    const phases = result?.phases.map(({ phase, seamcalls }) => ({
      phase,
      byLeaf: seamcalls.byLeaf,
    }));
    expect(phases, `${strategy}@${options.kernel}`).toEqual(expected.phases);
    expect(result).toMatchObject({
      strategy,
      kernel: options.kernel,
      seamcalls: { total: expected.total },
      statuses: { TDX_SUCCESS: expected.total },
      hostWork: {
        pagesCleared: expected.pagesCleared,
        ipis: expected.ipis,
        vcpuKicks: expected.vcpuKicks,
      },
      end: { pagesLeaked: 0, hkidFree: true, tdrReclaimed: true },
    });
    expect(checkInvariants(copy.module)).toEqual([]);
  }
}

describe("counts of every generation and strategy equal the closed form", () => {
  it("names every generation and strategy that there is", () => {
    const emulated = [...GENERATIONS.values()].map(({ name, strategies }) => [
      name,
      strategies.map((each) => each.name),
    ]);
    const forms = Object.entries(KERNELS).map(([name, { strategies }]) => [
      name,
      Object.keys(strategies),
    ]);
    expect(emulated).toEqual(forms);
  });

  it.each([
    ["of small TDs", SMALL, 400, 4000],
    ["of TDs as large as a host", LARGE, 100, 1000],
  ])(
    "%s",
    async (_, bounds, everyChange, nightly) => {
      const size = sample(everyChange, nightly);
      tally("E8", size.numRuns, "TDs of all kernels by formula and by emulation");
      await fc.assert(
        fc.asyncProperty(tdOnAnyKernel(bounds), async (options) => {
          const host = await built(options);
          const { ioctls } = host.report("a") ?? expect.unreachable("the TD is there");
          const initVm = ioctls.find(({ ioctl }) => ioctl === "KVM_TDX_INIT_VM");
          expect(initVm?.seamcalls.byLeaf).toEqual(initVmOn(kernelOf(options), options.packages));
          const before = tornDown({ ...options, finalized: options.finalize });
          const adds = ioctls.map(({ seamcalls }) => seamcalls.byLeaf["TDH.PHYMEM.PAMT.ADD"] ?? 0);
          const wanted = kernelOf(options).pamt === true ? pamtAdds(before) : 0;
          expect(adds.reduce((sum, count) => sum + count, 0)).toBe(wanted);
          await holdTeardowns(host, options);
        }),
        size,
      );
    },
    PATIENCE,
  );

  it(
    "with every what-if that changes counts",
    async () => {
      const ideas = fc.record({ track: fc.boolean(), wbinvd: fc.boolean(), clear: fc.boolean() });
      await fc.assert(
        fc.asyncProperty(tdOnAnyKernel(SMALL), ideas, async (options, { track, wbinvd, clear }) => {
          const texts = [
            ...(track ? ["batch-track"] : []),
            ...(wbinvd ? ["batch-wbinvd"] : []),
            ...(clear ? ["no-clear"] : []),
          ];
          const form = { batchTrack: track, batchWbinvd: wbinvd, clears: !clear };
          const session = { ...SESSION, whatIf: parseWhatIfs(texts) };
          await holdTeardowns(await built(options), options, form, session);
        }),
        sample(150, 1000),
      );
    },
    PATIENCE,
  );

  it("without clears on CPUs that need none", async () => {
    const platform = PLATFORMS.get("no-pw-mce") ?? expect.unreachable("the platform is there");
    const shape = { memoryBytes: 2 ** 24, vcpus: 2, platform };
    const skip = resolveTdOptions({ ...shape, kernel: "skip-clear" });
    await holdTeardowns(await built(skip), skip, { clears: false });
    const upstream = resolveTdOptions({ ...shape, kernel: "v6.16" });
    await holdTeardowns(await built(upstream), upstream);
  });
});

describe("the formulas that explain shows", () => {
  it(
    "give the counts that the emulator has",
    async () => {
      await fc.assert(
        fc.asyncProperty(tdOnAnyKernel(SMALL), async (options) => {
          const host = await built(options);
          const generation = GENERATIONS.get(options.kernel) ?? expect.unreachable();
          const { privatePages, septPages } = host.report("a") ?? expect.unreachable();
          const terms = {
            small: privatePages["4K"],
            large: privatePages["2M"],
            tables: septPages,
            vcpus: options.vcpus,
            tdvpx: 5,
            tdcx: 6,
            packages: options.packages,
            finalized: options.finalize ? 1 : 0,
          } as const;
          for (const { name, steps } of generation.strategies) {
            const counted: Record<string, number> = {};
            for (const { leaf, formula } of steps.flatMap((s) => formulasOf(generation, s).calls)) {
              const count = formula.of?.(terms) ?? 0;
              if (count > 0) counted[leaf] = (counted[leaf] ?? 0) + count;
            }
            const { strategies } = await destroyTd(host.clone(), "a", { strategy: name }, SESSION);
            const { "TDH.PHYMEM.PAMT.REMOVE": _, ...byLeaf } =
              strategies[0]?.seamcalls.byLeaf ?? {};
            expect(byLeaf).toEqual(counted);
          }
        }),
        sample(100, 1000),
      );
    },
    PATIENCE,
  );
});
