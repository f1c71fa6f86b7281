import { beforeAll, describe, expect, test } from "vitest";
import type { Profile } from "../../../src/cost/profile.ts";
import { parseProfile } from "../../../src/cost/profile-schema.ts";
import { fitPrices, type PriceFit } from "../../../src/lab/calibrate/fit.ts";
import { fittedProfile } from "../../../src/lab/calibrate/fitted-profile.ts";
import type { ObservationSet } from "../../../src/lab/calibrate/observations.ts";
import { chance, observeRows, PLAUSIBLE, type Prices, rowsOf, timed } from "./synthetic.ts";

const SEEDS = Array.from({ length: 200 }, (_, index) => index + 1);
const ROWS = 30;
const NOISE = 0.02;
/** A price that the fit itself knows this well is identifiable. */
const IDENTIFIABLE = 0.015;
const CLOSE = 0.05;

const DESIGNS = ["vCPUs vary", "always 8 vCPUs", "pages of both sizes"] as const;
type Design = (typeof DESIGNS)[number];

function configurations(design: Design): (readonly [string, string, number, string])[] {
  const uniform = chance(DESIGNS.indexOf(design) + 1);
  return Array.from({ length: ROWS }, (_, index) => {
    const memory = `${Math.round(2 ** (1 + uniform() * 7.5))}G`;
    const vcpus = design === "always 8 vCPUs" ? 8 : Math.ceil(uniform() * 64);
    const strategy = ["runtime", "hint", "runtime", "exit"][index % 4] ?? "exit";
    const large = design === "pages of both sizes" && index % 3 === 0;
    return [strategy, memory, vcpus, large ? "2M" : "4K"] as const;
  });
}

/** What the fit can know of a price: itself and what goes with it in every row of the design. */
function truth(term: string, design: Design, p: Prices): number {
  const of = (name: string): number => p[name] ?? Number.NaN;
  const kicks = design === "always 8 vCPUs" ? 8 * of("vCPU kick") : 0;
  switch (term) {
    case "TDH.PHYMEM.PAGE.RECLAIM of 4K":
      return of(term) + of("page clear");
    case "TDH.PHYMEM.PAGE.RECLAIM of 2M":
      return of(term) + 512 * of("page clear");
    case "TDH.MEM.PAGE.REMOVE of 4K": {
      const others = of("TDH.MEM.RANGE.BLOCK of 4K") + of("TDH.MEM.TRACK");
      return of(term) + others + of("TDH.PHYMEM.PAGE.WBINVD") + of("page clear") + kicks;
    }
    case "TDH.MEM.PAGE.REMOVE of 2M": {
      const bytes = 512 * (of("TDH.PHYMEM.PAGE.WBINVD") + of("page clear"));
      return of(term) + of("TDH.MEM.RANGE.BLOCK of 2M") + of("TDH.MEM.TRACK") + bytes;
    }
    case "fixed teardown": {
      const once = ["TDH.PHYMEM.CACHE.WB", "TDH.MNG.VPFLUSHDONE", "TDH.MNG.KEY.FREEID"];
      const flushes = design === "always 8 vCPUs" ? 8 * (of("TDH.VP.FLUSH") + of("IPI")) : 0;
      return of(term) + once.reduce((sum, name) => sum + of(name), 0) + flushes;
    }
    default:
      return of(term);
  }
}

/** Prices of another host: each up to 30 % off. */
function pricesOf(uniform: () => number): Prices {
  const moved = Object.entries(PLAUSIBLE).map(([name, price]) => {
    return [name, price * (0.7 + 0.6 * uniform())] as const;
  });
  return Object.fromEntries(moved);
}

interface Recovery {
  readonly seed: number;
  readonly prices: Prices;
  readonly fit: PriceFit;
  readonly profile: Profile;
}

const designs = new Map<Design, ObservationSet>();
const recovered = new Map<Design, Recovery[]>();

beforeAll(async () => {
  for (const design of DESIGNS) {
    const set = await observeRows(rowsOf(configurations(design)));
    designs.set(design, set);
    const recoveries = [];
    for (const seed of SEEDS) {
      const uniform = chance(1000 + seed);
      const prices = pricesOf(uniform);
      const fit = await fitPrices(timed(set, prices, NOISE, uniform));
      const profile = fittedProfile({ fit, leftOut: new Map(), file: "s.csv", name: "s" });
      recoveries.push({ seed, prices, fit, profile });
    }
    recovered.set(design, recoveries);
  }
}, 120_000);

describe.each(DESIGNS)("%s: 30 rows, noise of 0.02, 200 seeds", (design) => {
  test("every price that the fit knows within 1.5 % is recovered within 5 %", () => {
    let identified = 0;
    for (const { seed, prices, fit, profile } of recovered.get(design) ?? []) {
      for (const { driver, value, standardError } of fit.prices) {
        if (standardError / value >= IDENTIFIABLE) continue;
        identified += 1;
        const written = profile.terms.find(({ term }) => term === driver.name)?.price.value;
        const off = Number(written) / truth(driver.name, design, prices) - 1;
        expect(Math.abs(off), `seed ${seed}, ${driver.name}: ${off}`).toBeLessThan(CLOSE);
      }
    }
    expect(identified).toBeGreaterThanOrEqual(SEEDS.length);
  });

  test("the price of a reclaimed 4 KiB page is mostly known, that of a vCPU flush never", () => {
    const known = (recovered.get(design) ?? []).map(({ fit }) =>
      fit.prices
        .filter(({ value, standardError }) => standardError / value < IDENTIFIABLE)
        .map(({ driver }) => driver.name),
    );
    const often = known.filter((names) => names.includes("TDH.PHYMEM.PAGE.RECLAIM of 4K"));
    expect(often.length / known.length).toBeGreaterThan(0.5);
    expect(known.flat()).not.toContain("TDH.VP.FLUSH");
  });

  test("what has no price of its own is named, all of it", () => {
    const counted = designs.get(design)?.drivers.map(({ name }) => name) ?? [];
    for (const { seed, fit } of recovered.get(design) ?? []) {
      const told = fit.prices.map(({ driver }) => driver.name);
      const untold = fit.untold.map(({ driver }) => driver);
      expect([...told, ...untold].sort(), `seed ${seed}`).toEqual([...counted].sort());
    }
  });

  test("counts that go together in every row are told as such", () => {
    for (const { seed, fit } of recovered.get(design) ?? []) {
      const withReclaim = fit.untold.find(({ driver }) => driver === "page clear");
      expect(withReclaim?.reason, `seed ${seed}`).toBe("confounded");
      const track = fit.untold.find(({ driver }) => driver === "TDH.MEM.TRACK");
      expect(track?.with, `seed ${seed}`).toContain("TDH.MEM.PAGE.REMOVE of 4K");
      const kick = fit.untold.find(({ driver }) => driver === "vCPU kick");
      if (design !== "always 8 vCPUs") continue;
      expect(kick, `seed ${seed}`).toMatchObject({
        reason: "confounded",
        with: ["TDH.MEM.PAGE.REMOVE of 4K"],
      });
    }
  });

  test("the profile keeps the schema and holds the true price in its interval as a rule", () => {
    let inside = 0;
    let all = 0;
    for (const { prices, profile } of recovered.get(design) ?? []) {
      expect(parseProfile(JSON.parse(JSON.stringify(profile)), "s.json")).toEqual(profile);
      for (const { term, price } of profile.terms) {
        const expected = truth(term, design, prices);
        if (price.value === 0) continue;
        all += 1;
        if (price.low <= expected && expected <= price.high) inside += 1;
      }
    }
    expect(inside / all).toBeGreaterThan(0.95);
  });
});
