import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { estimate } from "../../src/cost/estimate.ts";
import type { Cover, Profile } from "../../src/cost/profile.ts";
import { PUBLISHED_2025 } from "../../src/cost/profiles/published-2025.ts";
import { SILICON_BUILD_2025 } from "../../src/cost/profiles/silicon-build-2025.ts";
import { Ledger } from "../../src/ledger/ledger.ts";
import { teardownOf } from "./closed-form.ts";

const REMOVAL = [
  [7, "TDH.MEM.RANGE.BLOCK"],
  [38, "TDH.MEM.TRACK"],
  [29, "TDH.MEM.PAGE.REMOVE"],
  [41, "TDH.PHYMEM.PAGE.WBINVD"],
] as const;

const MEASURED_TD = { memoryBytes: 2 ** 34, populatedBytes: 2 ** 34, vcpus: 4 };

const td = fc.record({
  gib: fc.oneof(fc.integer({ min: 0, max: 8192 }), fc.constantFrom(16, 107, 400)),
  vcpus: fc.oneof(fc.integer({ min: 1, max: 512 }), fc.constantFrom(4, 32, 64)),
  strategy: fc.constantFrom("runtime" as const, "hint" as const),
  pageSize: fc.constantFrom("4K" as const, "2M" as const),
  mappedShare: fc.constantFrom(1, 0.5, 0.01),
});

describe("properties of every estimate", () => {
  test("low <= mid <= high, whole nanoseconds, and phases add up to the total", () => {
    fc.assert(
      fc.property(td, (form) => {
        const populatedBytes = form.gib * 2 ** 30;
        const context = { ...form, populatedBytes, memoryBytes: populatedBytes / form.mappedShare };
        const { phases, elapsedNs } = estimate(teardownOf(form), context, PUBLISHED_2025);
        const sum = { low: 0, mid: 0, high: 0 };
        for (const { elapsedNs: part } of phases) {
          expect(part.low).toBeLessThanOrEqual(part.mid);
          expect(part.mid).toBeLessThanOrEqual(part.high);
          for (const end of ["low", "mid", "high"] as const) {
            expect(Number.isSafeInteger(part[end])).toBe(true);
            sum[end] += part[end];
          }
        }
        expect(elapsedNs).toMatchObject(sum);
        expect(elapsedNs.extrapolated).toBe(elapsedNs.reasons !== undefined);
      }),
    );
  });

  test("count times price adds up to the value of each phase", () => {
    fc.assert(
      fc.property(td, (form) => {
        const bytes = form.gib * 2 ** 30;
        const context = { memoryBytes: bytes, populatedBytes: bytes, vcpus: form.vcpus };
        for (const phase of estimate(teardownOf(form), context, PUBLISHED_2025).phases) {
          let sum = 0;
          for (const { count, price } of phase.charges) sum += count * price.mid;
          expect(Math.abs(sum - phase.elapsedNs.mid)).toBeLessThan(1 + sum * 1e-12);
        }
      }),
    );
  });

  test("the highest runtime estimate of removal is at most six times the lowest", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 33, max: 256 }),
        fc.integer({ min: 16, max: 2048 }),
        (v, gib) => {
          const bytes = gib * 2 ** 30;
          const context = { memoryBytes: bytes, populatedBytes: bytes, vcpus: v };
          const counts = teardownOf({ gib, vcpus: v, strategy: "runtime" });
          const [removal] = estimate(counts, context, PUBLISHED_2025).phases;
          const { low, high } = removal?.elapsedNs ?? { low: 0, high: 1 };
          expect(high).toBeLessThanOrEqual(6 * (low + 1) + 1);
        },
      ),
    );
  });

  test("crossing the edge of the range moves the value of runtime by less than 3 %", () => {
    const value = (vcpus: number, gib: number): number => {
      const bytes = gib * 2 ** 30;
      const context = { memoryBytes: bytes, populatedBytes: bytes, vcpus };
      const counts = teardownOf({ gib, vcpus, strategy: "runtime" });
      return estimate(counts, context, PUBLISHED_2025).elapsedNs.mid / gib;
    };
    expect(value(33, 107) / value(32, 107)).toBeLessThan(1.03);
    expect(value(32, 108) / value(32, 107)).toBeLessThan(1.03);
    expect(value(4, 108) / value(4, 107)).toBeLessThan(1.03);
  });
});

describe("groups", () => {
  test("before finalization TRACK is skipped: three quarters of the group, split assumed", () => {
    const ledger = new Ledger();
    ledger.phase("remove-private");
    for (const [number, leaf] of REMOVAL) {
      if (leaf !== "TDH.MEM.TRACK") ledger.seamcalls(number, leaf, "TDX_SUCCESS", 1000, 0);
    }
    const { phases, elapsedNs } = estimate(ledger.phases(), MEASURED_TD, PUBLISHED_2025);
    expect(phases[0]?.charges).toMatchObject([
      { term: "page free", count: 1000 },
      { term: "runtime removal", count: 1000, price: { low: 0, mid: 9453.75, high: 14_000 } },
    ]);
    expect(elapsedNs).toMatchObject({ mid: 9_453_750 + 300_000, basis: "assumed" });
  });

  test("a complete group has the fitted price", () => {
    const ledger = new Ledger();
    ledger.phase("remove-private");
    for (const [number, leaf] of REMOVAL) {
      ledger.seamcalls(number, leaf, "TDX_SUCCESS", 1000, 0);
    }
    const [phase] = estimate(ledger.phases(), MEASURED_TD, PUBLISHED_2025).phases;
    expect(phase?.charges).toMatchObject([
      { term: "page free", count: 1000, price: { mid: 300 } },
      { term: "runtime removal", count: 1000, price: { mid: 12_605 }, basis: "fitted" },
    ]);
  });

  test("the split of a group over its leaves is even and assumed", () => {
    const [phase] = estimate(
      teardownOf({ gib: 16, vcpus: 4, strategy: "runtime" }),
      MEASURED_TD,
      PUBLISHED_2025,
    ).phases;
    const group = phase?.charges.find(({ term }) => term === "runtime removal");
    expect(group?.parts?.map(({ leaf }) => leaf)).toEqual(REMOVAL.map(([, leaf]) => leaf));
    for (const { time } of group?.parts ?? []) {
      expect(time).toMatchObject({ mid: (group?.time.mid ?? 0) / 4, basis: "assumed" });
    }
  });

  test("a group of one page size leaves the calls on other sizes alone", () => {
    const ledger = new Ledger();
    ledger.phase("KVM_RUN");
    ledger.seamcalls(6, "TDH.MEM.PAGE.AUG", "TDX_SUCCESS", 3, 0);
    ledger.seamcalls(6, "TDH.MEM.PAGE.AUG", "TDX_SUCCESS", 2, 1);
    ledger.seamcalls(0, "TDH.VP.ENTER", "TDX_SUCCESS", 5, -1);
    const [phase] = estimate(ledger.phases(), MEASURED_TD, SILICON_BUILD_2025).phases;
    expect(phase?.charges.map(({ term, count, whole }) => [term, count, whole])).toEqual([
      ["fault on ACCEPT", 3, true],
      ["fault on ACCEPT", 2, false],
      ["fault on ACCEPT of 2 MiB", 2, true],
    ]);
  });
});

describe("what is counted beside the plain path", () => {
  test("retries cost something of their own and do not break up the group", () => {
    const ledger = new Ledger();
    ledger.phase("remove-private");
    for (const [number, leaf] of REMOVAL) ledger.seamcalls(number, leaf, "TDX_SUCCESS", 10, 0);
    ledger.seamcalls(7, "TDH.MEM.RANGE.BLOCK", "TDX_OPERAND_BUSY|SEPT", 3, 0);
    const [phase] = estimate(ledger.phases(), MEASURED_TD, PUBLISHED_2025).phases;
    expect(phase?.charges.map(({ term, count }) => [term, count])).toEqual([
      ["page free", 10],
      ["runtime removal", 10],
      ["busy call", 3],
    ]);
    expect(phase?.elapsedNs.basis).toBe("assumed");
  });

  test("a status with a price of its own is not priced as any failed call", () => {
    const ledger = new Ledger();
    ledger.phase("reclaim-private");
    ledger.seamcalls(28, "TDH.PHYMEM.PAGE.RECLAIM", "TDX_OPERAND_BUSY|RCX", 2, 0);
    ledger.seamcalls(28, "TDH.PHYMEM.PAGE.RECLAIM", "TDX_PAGE_METADATA_INCORRECT|RCX", 5, 0);
    const [phase] = estimate(ledger.phases(), MEASURED_TD, PUBLISHED_2025).phases;
    expect(phase?.charges.map(({ term, count }) => [term, count])).toEqual([
      ["busy call", 2],
      ["failed call", 5],
    ]);
  });

  test("interrupted CACHE.WB is part of the fixed teardown", () => {
    const ledger = new Ledger();
    ledger.phase("release-hkid");
    ledger.seamcalls(40, "TDH.PHYMEM.CACHE.WB", "TDX_INTERRUPTED_RESUMABLE", 7, -1);
    ledger.seamcalls(40, "TDH.PHYMEM.CACHE.WB", "TDX_SUCCESS", 1, -1);
    const { elapsedNs } = estimate(ledger.phases(), MEASURED_TD, PUBLISHED_2025);
    expect(elapsedNs).toMatchObject({ low: 0, mid: 350_000_000, high: 700_000_000 });
    expect(elapsedNs.extrapolated).toBe(false);
  });

  test("a leaf without a price of its own is named and costs what any other call may", () => {
    const ledger = new Ledger();
    ledger.phase("KVM_TDX_INIT_VM");
    ledger.seamcalls(9, "TDH.MNG.CREATE", "TDX_SUCCESS", 2, -1);
    const { elapsedNs } = estimate(ledger.phases(), MEASURED_TD, PUBLISHED_2025);
    expect(elapsedNs).toEqual({
      low: 0,
      mid: 43_400,
      high: 670_000,
      basis: "assumed",
      extrapolated: true,
      reasons: ["The profile has no price for TDH.MNG.CREATE: it counts as any other call."],
    });
  });

  test("what has no price is named rather than left out in silence", () => {
    const priced = PUBLISHED_2025.terms.filter(({ per }) => {
      return per.kind !== "other-call" && !(per.kind === "host-work" && per.work === "ipis");
    });
    const profile: Profile = { ...PUBLISHED_2025, terms: priced };
    const ledger = new Ledger();
    ledger.phase("KVM_TDX_INIT_VM");
    ledger.seamcalls(9, "TDH.MNG.CREATE", "TDX_SUCCESS", 1, -1);
    ledger.hostWork("ipis", 7);
    const { elapsedNs } = estimate(ledger.phases(), MEASURED_TD, profile);
    expect(elapsedNs).toMatchObject({ mid: 0, basis: "assumed", extrapolated: true });
    expect(elapsedNs.reasons).toEqual([
      "The profile has no price for TDH.MNG.CREATE: it counts as nothing.",
      "The profile has no price for ipis: it counts as nothing.",
    ]);
  });

  test("nothing counted takes no time, exactly", () => {
    expect(estimate([], MEASURED_TD, PUBLISHED_2025).elapsedNs).toEqual({
      low: 0,
      mid: 0,
      high: 0,
      basis: "exact",
      extrapolated: false,
    });
  });
});

describe("what another price contains", () => {
  const covering = (cover: Cover): Profile => {
    const [reclaim, ...others] = PUBLISHED_2025.terms;
    if (reclaim === undefined) throw new Error("the profile has terms");
    return { ...PUBLISHED_2025, terms: [{ ...reclaim, covers: [cover] }, ...others] };
  };
  const termsOf = (profile: Profile): unknown => {
    const ledger = new Ledger();
    ledger.phase("reclaim-private");
    ledger.seamcalls(28, "TDH.PHYMEM.PAGE.RECLAIM", "TDX_SUCCESS", 7, 0);
    ledger.seamcalls(28, "TDH.PHYMEM.PAGE.RECLAIM", "TDX_SUCCESS", 2, 1);
    ledger.seamcalls(28, "TDH.PHYMEM.PAGE.RECLAIM", "TDX_OPERAND_BUSY|RCX", 1, 1);
    ledger.hostWork("pageClears4K", 7 + 1024);
    const [phase] = estimate(ledger.phases(), MEASURED_TD, profile).phases;
    return phase?.charges.map(({ term, count }) => [term, count]);
  };

  test("calls on pages of one size: the other size is still counted, its refusals too", () => {
    const leaf = "TDH.PHYMEM.PAGE.RECLAIM";
    expect(termsOf(covering({ phase: "reclaim-private", leaf, pageSize: "2M" }))).toEqual([
      ["reclaim", 7],
      ["page clear", 1031],
      ["page free", 7],
    ]);
  });

  test("host work of a phase", () => {
    expect(termsOf(covering({ phase: "reclaim-private", work: "pageClears4K" }))).toEqual([
      ["reclaim", 7],
      ["reclaim of 2 MiB", 2],
      ["page free", 9],
      ["busy call", 1],
    ]);
  });

  test("nothing in another phase", () => {
    expect(termsOf(covering({ phase: "remove-private" }))).toEqual(termsOf(PUBLISHED_2025));
  });

  test("a phase of which everything is contained elsewhere does not pass for exact", () => {
    const ledger = new Ledger();
    ledger.phase("reclaim-control");
    ledger.seamcalls(41, "TDH.PHYMEM.PAGE.WBINVD", "TDX_SUCCESS", 1, -1);
    const { elapsedNs } = estimate(ledger.phases(), MEASURED_TD, PUBLISHED_2025);
    expect(elapsedNs).toMatchObject({ mid: 0, basis: "assumed" });
  });
});

describe("a profile measured with another page size", () => {
  test("2 MiB pages that were timed are not extrapolated, 4 KiB pages then are", () => {
    const [fit] = PUBLISHED_2025.fits;
    if (fit === undefined) return expect.unreachable();
    const large: Profile = {
      ...PUBLISHED_2025,
      fits: [{ ...fit, range: { ...fit.range, pageSizes: ["2M"] } }],
    };
    const reasons = (pageSize: "4K" | "2M"): readonly string[] =>
      estimate(
        teardownOf({ gib: 16, vcpus: 4, strategy: "hint", pageSize }),
        MEASURED_TD,
        large,
      ).phases.find(({ phase }) => phase === "reclaim-private")?.reasons ?? [];
    expect(reasons("2M")).toEqual([]);
    expect(reasons("4K")).toEqual([
      "reclaim after the HKID is released was measured with pages of 2M, not of 4K.",
    ]);
  });
});
