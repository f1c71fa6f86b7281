import { describe, expect, test } from "vitest";
import { PUBLISHED_2025 } from "../../src/cost/profiles/published-2025.ts";
import { SILICON_BUILD_2025 } from "../../src/cost/profiles/silicon-build-2025.ts";
import { type Explanation, explainEstimate } from "../../src/lab/explain-estimate.ts";
import { resolveTdOptions } from "../../src/lab/td-options.ts";
import { destroyFresh } from "../../src/lab/teardown.ts";

const SESSION = { step: false, seed: 1, profile: PUBLISHED_2025 };

function explain(subject: string, gib = 16, vcpus = 4): Promise<Explanation> {
  const td = resolveTdOptions({ memoryBytes: gib * 2 ** 30, vcpus });
  return explainEstimate(td, subject, SESSION);
}

describe.each([
  ["hint", 16, 4],
  ["runtime", 16, 4],
  ["runtime", 400, 64],
] as const)("explain %s at %d GiB and %d vCPUs", (strategy, gib, vcpus) => {
  test("has count x price in every term, and the terms make the estimate", async () => {
    const { terms, elapsedNs } = await explain(strategy, gib, vcpus);
    let sum = 0;
    for (const { count, priceNs, timeNs } of terms) {
      expect(Math.abs(count * priceNs.mid - timeNs.mid)).toBeLessThan(1 + timeNs.mid * 1e-9);
      sum += timeNs.mid;
    }
    expect(Math.abs(sum - elapsedNs.mid)).toBeLessThan(terms.length + 1);
  });

  test("tells the very estimate that destroy gives", async () => {
    const td = resolveTdOptions({ memoryBytes: gib * 2 ** 30, vcpus });
    const { strategies } = await destroyFresh(td, { strategy, source: "options" }, SESSION);
    expect((await explain(strategy, gib, vcpus)).elapsedNs).toEqual(strategies[0]?.elapsedNs);
  });

  test("has the largest term first", async () => {
    const mids = (await explain(strategy, gib, vcpus)).terms.map(({ timeNs }) => timeNs.mid);
    expect(mids).toEqual(mids.toSorted((a, b) => b - a));
  });

  test("names the source of every term, and the fits that its parts come from", async () => {
    const { terms, fits } = await explain(strategy, gib, vcpus);
    for (const { source, conditions } of terms) {
      expect(source.length).toBeGreaterThan(10);
      expect(conditions.length).toBeGreaterThan(5);
    }
    const fit = fits.find((each) => each.fit === "reclaim after the HKID is released");
    expect(fit?.tolerance.source).toContain("leave-one-out error");
  });
});

test("the four runtime leaves have an even share of their price, marked assumed", async () => {
  const { terms } = await explain("runtime");
  const group = terms.find(({ term }) => term === "runtime removal");
  expect(group?.parts).toHaveLength(4);
  for (const { timeNs } of group?.parts ?? []) {
    expect(timeNs.basis).toBe("assumed");
    expect(Math.abs(timeNs.mid - (group?.timeNs.mid ?? 0) / 4)).toBeLessThan(1);
  }
});

test("making a TD is explained by the ioctls that make it", async () => {
  const td = resolveTdOptions({ memoryBytes: 2 ** 34, vcpus: 4 });
  const session = { ...SESSION, profile: SILICON_BUILD_2025 };
  const made = await explainEstimate(td, "create", session);
  expect(made.phases.map(({ phase }) => phase)).toEqual(["KVM_TDX_INIT_VM", "KVM_TDX_INIT_VCPU"]);
  const term = (name: string): number | undefined =>
    made.terms.find((each) => each.term === name)?.count;
  expect(term("TDH.VP.ADDCX")).toBe(20);
  expect(term("TDH.MNG.KEY.CONFIG")).toBe(1);
  expect(term("ioctl")).toBe(5);
  const filled = await explainEstimate(td, "populate", session);
  expect(filled.terms[0]).toMatchObject({ term: "fault on ACCEPT", count: 4_194_304 });
});

test("a strategy that there is none of is wrong usage", async () => {
  await expect(explain("magic")).rejects.toThrow(expect.objectContaining({ kind: "usage" }));
});
