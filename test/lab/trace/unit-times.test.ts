import { describe, expect, test } from "vitest";
import { PUBLISHED_2025 } from "../../../src/cost/profiles/published-2025.ts";
import { SILICON_BUILD_2025 } from "../../../src/cost/profiles/silicon-build-2025.ts";
import { resolveTdOptions, type TdOptions } from "../../../src/lab/td-options.ts";
import { compareFresh } from "../../../src/lab/teardown.ts";
import { type TracedStrategy, TraceSession } from "../../../src/lab/trace/trace.ts";

const GIB = 2 ** 30;

async function traced(options: Partial<TdOptions>, profile = PUBLISHED_2025) {
  const recording = new TraceSession();
  const session = { profile, seed: 1, step: false, observe: recording.observe };
  const result = await compareFresh(resolveTdOptions(options), { source: "options" }, session);
  return { result, strategies: recording.trace(result, profile).strategies };
}

function drawnNs({ batches, unitNs }: TracedStrategy["phases"][number]): number {
  let sum = 0;
  for (const { kinds, counts } of batches) {
    for (const [at, kind] of kinds.entries()) sum += (unitNs[kind] ?? 0) * (counts[at] ?? 0);
  }
  return sum;
}

describe("time for each call of a trace", () => {
  test.each([
    ["4 KiB pages", { memoryBytes: 16 * GIB }, PUBLISHED_2025],
    ["a TD beyond what was measured", { memoryBytes: 400 * GIB, vcpus: 64 }, PUBLISHED_2025],
    ["another profile", { memoryBytes: GIB, vcpus: 2 }, SILICON_BUILD_2025],
  ] as const)("adds up to the middle of each phase's estimate: %s", async (_, td, profile) => {
    const { result, strategies } = await traced(td, profile);
    for (const [index, { phases }] of strategies.entries()) {
      const mids = result.strategies[index]?.phases.map(({ elapsedNs }) => elapsedNs.mid) ?? [];
      expect(phases.map(({ elapsedNs }) => elapsedNs.mid)).toEqual(mids);
      for (const [at, phase] of phases.entries()) {
        const mid = mids[at] ?? Number.NaN;
        expect(Math.abs(drawnNs(phase) - mid)).toBeLessThanOrEqual(1 + mid * 1e-9);
      }
    }
  });

  test("follows the result where that has other times for the same counts", async () => {
    const recording = new TraceSession();
    const session = { profile: PUBLISHED_2025, seed: 1, step: false, observe: recording.observe };
    const options = resolveTdOptions({ memoryBytes: GIB });
    const result = await compareFresh(options, { source: "options" }, session);
    const halved = result.strategies.map((entry) => ({
      ...entry,
      phases: entry.phases.map((phase) => {
        const { low, mid, high, basis } = phase.elapsedNs;
        return { ...phase, elapsedNs: { low: low / 2, mid: mid / 2, high, basis } };
      }),
    }));
    const { strategies } = recording.trace({ ...result, strategies: halved }, PUBLISHED_2025);
    for (const phase of strategies.flatMap(({ phases }) => phases)) {
      expect(Math.abs(drawnNs(phase) - phase.elapsedNs.mid)).toBeLessThan(1);
    }
    const [phase] = strategies[0]?.phases ?? [];
    expect(phase?.elapsedNs.mid).toBe(halved[0]?.phases[0]?.elapsedNs.mid);
  });

  test("gives the leaves that were only timed together equal parts, but for what goes with one", async () => {
    const { strategies } = await traced({ memoryBytes: 16 * GIB });
    const runtime = strategies.find(({ strategy }) => strategy === "runtime");
    const removal = runtime?.phases.find(({ phase }) => phase === "remove-private");
    const unit = (leaf: string): number => {
      const index = runtime?.kinds.findIndex(
        (kind) => kind.kind === "seamcall" && kind.leaf === leaf,
      );
      return removal?.unitNs[index ?? -1] ?? Number.NaN;
    };
    expect(unit("TDH.MEM.TRACK")).toBeCloseTo(unit("TDH.MEM.RANGE.BLOCK"), 6);
    expect(unit("TDH.PHYMEM.PAGE.WBINVD")).toBeCloseTo(unit("TDH.MEM.RANGE.BLOCK"), 6);
    // The host's bookkeeping for a page that came back goes with REMOVE.
    expect(unit("TDH.MEM.PAGE.REMOVE")).toBeGreaterThan(unit("TDH.MEM.RANGE.BLOCK"));
  });
});
