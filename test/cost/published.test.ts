import { describe, expect, test } from "vitest";
import { type Estimate, estimate } from "../../src/cost/estimate.ts";
import { PUBLISHED_2025 } from "../../src/cost/profiles/published-2025.ts";
import { type TdForm, teardownOf } from "./closed-form.ts";

function estimateOf(form: TdForm): Estimate {
  const bytes = form.gib * 2 ** 30;
  const td = { memoryBytes: bytes, populatedBytes: bytes, vcpus: form.vcpus };
  return estimate(teardownOf(form), td, PUBLISHED_2025);
}

const PUBLISHED = [
  { vcpus: 4, gib: 18, runtime: 72, after: 24 },
  { vcpus: 32, gib: 107, runtime: 517, after: 134 },
  { vcpus: 64, gib: 400, runtime: 5539, after: 467 },
];

describe("the six published times", () => {
  test.each(PUBLISHED)("$vcpus vCPUs, $gib GB: hint is within 11 % of $after s", (row) => {
    const { elapsedNs } = estimateOf({ ...row, strategy: "hint" });
    expect(Math.abs(elapsedNs.mid / 1e9 / row.after - 1)).toBeLessThan(0.11);
    expect(elapsedNs.low / 1e9).toBeLessThan(row.after);
    expect(elapsedNs.high / 1e9).toBeGreaterThan(row.after);
    expect(elapsedNs).toMatchObject({ basis: "fitted", extrapolated: false });
  });

  test.each(PUBLISHED.slice(0, 2))(
    "$vcpus vCPUs, $gib GB: runtime is within 3 % of $runtime s",
    (row) => {
      const { elapsedNs } = estimateOf({ ...row, strategy: "runtime" });
      expect(Math.abs(elapsedNs.mid / 1e9 / row.runtime - 1)).toBeLessThan(0.03);
      expect(elapsedNs.low / 1e9).toBeLessThan(row.runtime);
      expect(elapsedNs.high / 1e9).toBeGreaterThan(row.runtime);
      expect(elapsedNs.extrapolated).toBe(false);
    },
  );

  test("64 vCPUs, 400 GB: the range of runtime holds 5539 s, is flagged and usable", () => {
    const { elapsedNs } = estimateOf({ vcpus: 64, gib: 400, strategy: "runtime" });
    expect(elapsedNs.low / 1e9).toBeLessThan(2313);
    expect(elapsedNs.high / 1e9).toBeGreaterThan(5539);
    expect(elapsedNs.high / elapsedNs.low).toBeLessThanOrEqual(6);
    expect(elapsedNs).toMatchObject({ basis: "assumed", extrapolated: true });
    expect(elapsedNs.reasons).toEqual([
      "runtime removal was measured at 4 to 32 vCPUs, not 64.",
      "runtime removal was measured at 16 GiB to 107 GiB, not 400 GiB.",
      "Beyond 32 vCPUs or 107 GiB two curves fit the measurements of runtime removal, and the " +
        "range spans both.",
    ]);
  });

  test("the range of runtime at 64 vCPUs ends 5 % above the upper curve", () => {
    const [removal] = estimateOf({ vcpus: 64, gib: 400, strategy: "runtime" }).phases;
    const upper = 400 * 262_144 * (15_100 + 0.183 * 512 * 400);
    expect(removal?.elapsedNs.high).toBe(Math.ceil(upper * 1.05));
  });
});

describe("closed forms", () => {
  test("hint costs 4.75 us a page and 0.35 s, SEPT and control pages included", () => {
    const { elapsedNs, phases } = estimateOf({ vcpus: 4, gib: 16, strategy: "hint" });
    expect(elapsedNs.mid).toBe((4_194_304 + 8209 + 31) * 4750 + 350_000_000);
    expect(phases.map(({ phase, elapsedNs: { mid } }) => [phase, mid])).toEqual([
      ["release-hkid", 350_000_000],
      ["reclaim-private", 4_194_304 * 4750],
      ["reclaim-sept", 8209 * 4750],
      ["reclaim-control", 31 * 4750],
    ]);
  });

  test.each([4, 16, 32])(
    "runtime costs 14.805 us + 0.1133 us for each of %d vCPUs a page",
    (vcpus) => {
      const [removal] = estimateOf({ vcpus, gib: 64, strategy: "runtime" }).phases;
      const pages = 64 * 262_144;
      expect(removal?.elapsedNs.mid).toBe(Math.round(pages * (14_805 + 113.3 * vcpus)));
      expect(removal?.elapsedNs.low).toBe(Math.floor(pages * (14_805 + 113.3 * vcpus) * 0.9));
    },
  );

  test("pages of 2 MiB are not 512 times cheaper: clear and WBINVD go by bytes", () => {
    const large = estimateOf({ vcpus: 4, gib: 16, strategy: "runtime", pageSize: "2M" });
    const small = estimateOf({ vcpus: 4, gib: 16, strategy: "runtime" });
    const ratio = small.elapsedNs.mid / large.elapsedNs.mid;
    expect(ratio).toBeGreaterThan(1);
    expect(ratio).toBeLessThan(5);
    expect(large.elapsedNs.low).toBeGreaterThan(4_194_304 * 1360);
    expect(large.elapsedNs).toMatchObject({ basis: "assumed", extrapolated: true });
    expect(large.elapsedNs.reasons).toContain(
      "runtime removal was measured with pages of 4K, not of 2M.",
    );
  });

  test("hint on 2 MiB pages spans one RECLAIM price to 512 of them", () => {
    const { phases } = estimateOf({ vcpus: 4, gib: 16, strategy: "hint", pageSize: "2M" });
    const reclaim = phases.find(({ phase }) => phase === "reclaim-private");
    expect(reclaim?.elapsedNs).toEqual({
      low: 8192 * (2550 + 512 * 1360),
      mid: 8192 * (57_700 + 300 + 512 * 1900),
      high: 8192 * (1_305_600 + 1000 + 512 * 2200),
      basis: "assumed",
    });
  });
});

describe("outside what was measured", () => {
  test.each([
    { gib: 16, vcpus: 4, extrapolated: false },
    { gib: 15, vcpus: 4, extrapolated: true },
    { gib: 400, vcpus: 64, extrapolated: false },
    { gib: 401, vcpus: 64, extrapolated: true },
    { gib: 64, vcpus: 3, extrapolated: true },
    { gib: 64, vcpus: 65, extrapolated: true },
  ])("hint at $gib GiB and $vcpus vCPUs: extrapolated is $extrapolated", (row) => {
    const { elapsedNs } = estimateOf({ ...row, strategy: "hint" });
    expect(elapsedNs.extrapolated).toBe(row.extrapolated);
    expect(elapsedNs.basis).toBe(row.extrapolated ? "assumed" : "fitted");
  });

  test("each doubling beyond the range makes the estimate wider", () => {
    const relative = [400, 800, 1600, 3200].map((gib) => {
      const { low, mid, high } = estimateOf({ gib, vcpus: 64, strategy: "hint" }).elapsedNs;
      return { below: low / mid, above: high / mid };
    });
    for (const [index, { below, above }] of relative.entries()) {
      const before = relative[index - 1];
      if (before === undefined) continue;
      expect(below).toBeLessThan(before.below);
      expect(above).toBeGreaterThan(before.above);
    }
  });

  test("a large TD of which little is mapped is outside as well", () => {
    const td = { memoryBytes: 64 * 2 ** 30, populatedBytes: 2 ** 30, vcpus: 4 };
    const phases = teardownOf({ gib: 1, vcpus: 4, strategy: "hint" });
    expect(estimate(phases, td, PUBLISHED_2025).elapsedNs.reasons).toEqual([
      "reclaim after the HKID is released was measured at 16 GiB to 400 GiB, not with 1 GiB mapped.",
    ]);
  });
});

describe("milestones", () => {
  test("hint frees the HKID first and the memory before SEPT and control pages", () => {
    const { milestones, phases } = estimateOf({ gib: 16, vcpus: 4, strategy: "hint" });
    const [release, leaves, sept] = phases.map(({ elapsedNs }) => elapsedNs.mid);
    expect(milestones.hkidFree.mid).toBe(release);
    expect(milestones.memoryFree.mid).toBe(Number(release) + Number(leaves));
    expect(milestones.mmuLockWriteHeld.mid).toBe(Number(release) + Number(leaves) + Number(sept));
  });

  test("runtime frees the memory first and keeps the HKID until all of it is back", () => {
    const { milestones, phases } = estimateOf({ gib: 16, vcpus: 4, strategy: "runtime" });
    const [removal, release] = phases.map(({ elapsedNs }) => elapsedNs);
    expect(milestones.memoryFree).toEqual(removal);
    expect(milestones.hkidFree.high).toBe(Number(removal?.high) + Number(release?.high));
  });

  test("leaves and tables are zapped in one stretch of mmu_lock, the HKID released in another", () => {
    const { milestones, phases } = estimateOf({ gib: 16, vcpus: 4, strategy: "hint" });
    const [, leaves, sept] = phases.map(({ elapsedNs }) => elapsedNs.mid);
    expect(milestones.mmuLockWriteLongest.mid).toBe(Number(leaves) + Number(sept));
  });

  test("runtime holds mmu_lock longest while it removes pages", () => {
    const { milestones, phases } = estimateOf({ gib: 16, vcpus: 4, strategy: "runtime" });
    expect(milestones.mmuLockWriteLongest).toEqual(phases[0]?.elapsedNs);
  });

  test("each milestone has the weakest basis of the phases before it", () => {
    const { milestones } = estimateOf({ gib: 16, vcpus: 4, strategy: "runtime" });
    expect(milestones.hkidFree.basis).toBe("assumed");
    expect(estimateOf({ gib: 16, vcpus: 4, strategy: "hint" }).milestones.hkidFree.basis).toBe(
      "fitted",
    );
  });

  test("a kernel that takes no mmu_lock to release the HKID holds it for shorter", () => {
    const phases = teardownOf({ gib: 16, vcpus: 4, strategy: "runtime" });
    const td = { memoryBytes: 2 ** 34, populatedBytes: 2 ** 34, vcpus: 4 };
    const context = { ...td, mmuLockWriteStretches: [["remove-private"]] };
    const { milestones } = estimate(phases, context, PUBLISHED_2025);
    expect(milestones.mmuLockWriteHeld).toEqual(milestones.memoryFree);
  });

  test("with nothing mapped the memory is back at once", () => {
    const phases = teardownOf({ gib: 0, vcpus: 1, strategy: "hint" });
    const td = { memoryBytes: 2 ** 34, populatedBytes: 0, vcpus: 1 };
    const { milestones } = estimate(phases, td, PUBLISHED_2025);
    expect(milestones.memoryFree).toEqual({ low: 0, mid: 0, high: 0, basis: "exact" });
  });
});
