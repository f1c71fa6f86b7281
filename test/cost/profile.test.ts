import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { profileText } from "../../src/cost/profile.ts";
import { profileSha256 } from "../../src/cost/profile-checksum.ts";
import { parseProfile } from "../../src/cost/profile-schema.ts";
import { BUILT_IN_PROFILES, builtInProfile } from "../../src/cost/profiles/index.ts";
import { PUBLISHED_2025 } from "../../src/cost/profiles/published-2025.ts";
import { SILICON_BUILD_2025 } from "../../src/cost/profiles/silicon-build-2025.ts";

/** A copy of the built-in profile with the value at a path replaced, or removed by undefined. */
function changed(path: readonly (string | number)[], value: unknown): unknown {
  const copy: unknown = JSON.parse(profileText(PUBLISHED_2025));
  let place = copy as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) place = place[key] as Record<string | number, unknown>;
  place[path.at(-1) as string] = value;
  return JSON.parse(JSON.stringify(copy));
}

describe("built-in profiles", () => {
  test.each([...BUILT_IN_PROFILES.values()])("$name keeps its own schema", (profile) => {
    expect(parseProfile(JSON.parse(profileText(profile)), profile.name)).toEqual(profile);
  });

  test.each([...BUILT_IN_PROFILES.values()])("$name is the file in fixtures", async (profile) => {
    const file = `../../fixtures/profiles/${profile.name}.json`;
    await expect(profileText(profile)).toMatchFileSnapshot(file);
  });

  test.each([...BUILT_IN_PROFILES.values()])("$name has the checksum of its text", (profile) => {
    const hash = createHash("sha256").update(profileText(profile)).digest("hex");
    expect(profileSha256(profile)).toBe(hash);
  });

  test("the checksum does not depend on layout or order of keys", () => {
    const sha256 = profileSha256(PUBLISHED_2025);
    const { fits, terms, ...head } = PUBLISHED_2025;
    const shuffled = JSON.parse(JSON.stringify({ fits, terms, ...head }));
    expect(profileSha256(parseProfile(shuffled, "my.json"))).toBe(sha256);
  });

  test("an unknown name is wrong usage and names those there are", () => {
    expect(() => builtInProfile("nonsense")).toThrow(
      expect.objectContaining({ kind: "usage", hint: expect.stringContaining("published-2025") }),
    );
  });

  test("the price of runtime removal is that of the published slope and intercept", () => {
    const value = (name: string): number =>
      PUBLISHED_2025.terms.find(({ term }) => term === name)?.price.value ?? Number.NaN;
    const cleared = value("page clear") + value("page free");
    expect(value("runtime removal") + cleared).toBeCloseTo(14_805, 0);
    expect(value("reclaim") + cleared).toBe(4750);
  });
});

describe("silicon-build-2025", () => {
  test.each([
    ["TDH.MNG.CREATE", 73_216],
    ["TDH.MNG.KEY.CONFIG", 267_760],
    ["TDH.MNG.ADDCX", 34_684],
    ["TDH.MNG.INIT", 98_418],
    ["TDH.VP.CREATE", 33_918],
    ["TDH.VP.ADDCX", 34_684],
    ["TDH.VP.INIT", 27_070],
    ["TDH.MEM.SEPT.ADD", 19_696],
    ["TDH.MEM.PAGE.ADD", 52_102],
    ["TDH.MR.EXTEND", 15_306],
  ])("%s is %d cycles at 1.6 GHz, known to a factor of two either way", (leaf, cycles) => {
    const price = SILICON_BUILD_2025.terms.find(({ term }) => term === leaf)?.price;
    const ns = cycles / 1.6;
    expect(price?.value).toBeCloseTo(ns, 0);
    expect(price?.low).toBeLessThanOrEqual(ns / 2);
    expect(price?.high).toBeGreaterThanOrEqual(ns * 2 - 0.1);
    expect(price).toMatchObject({ basis: "measured", unit: "ns/call" });
  });
});

describe("every built-in number", () => {
  const figures = [...BUILT_IN_PROFILES.values()].flatMap(({ name, terms, fits }) => [
    ...terms.map(({ term, price }) => [`${name}: ${term}`, price] as const),
    ...fits.flatMap(({ fit, tolerance, widening }) => [
      [`${name}: tolerance of ${fit}`, tolerance] as const,
      [`${name}: widening of ${fit}`, widening] as const,
    ]),
  ]);

  test.each(figures)("%s names where it comes from or that nothing does", (_name, figure) => {
    const says =
      /\d{4}-\d{2}-\d{2}|ACM CCS|No (?:timing|cost)|convention|guess|thread|Median|20\d\d/;
    expect(figure.source).toMatch(says);
  });

  test.each(figures)("%s that was assumed says so in no other word", (_name, figure) => {
    const excuse = /No (?:timing|cost)|convention|guess|order of magnitude|Median|assumed/i;
    if (figure.basis === "assumed") {
      expect(`${figure.source} ${figure.conditions}`).toMatch(excuse);
    } else {
      expect(figure.source).not.toMatch(/No (?:timing|cost)|convention|guess/);
    }
  });
});

describe("the schema refuses", () => {
  test.each(["value", "low", "high", "unit", "basis", "source", "conditions"])(
    "a number without %s",
    (field) => {
      expect(() =>
        parseProfile(changed(["terms", 0, "price", field], undefined), "my.json"),
      ).toThrow(new RegExp(`^my\\.json is not a cost profile: terms\\.0\\.price\\.${field}`));
    },
  );

  test.each([
    ["a bare number", ["terms", 0, "price"], 2550],
    ["an empty source", ["terms", 0, "price", "source"], "  "],
    ["a value outside its interval", ["terms", 0, "price", "low"], 9999],
    ["a negative price", ["terms", 0, "price", "low"], -1],
    ["a text for a number", ["terms", 0, "price", "value"], "2550"],
    ["an unknown basis", ["terms", 0, "price", "basis"], "guessed"],
    ["a unit that does not fit what is counted", ["terms", 0, "price", "unit"], "ratio"],
    ["a tolerance in nanoseconds", ["fits", 0, "tolerance", "unit"], "ns/page"],
    ["a tolerance of everything", ["fits", 0, "tolerance", "high"], 0.05],
    ["two terms of one name", ["terms", 1, "term"], "reclaim"],
    ["a fit of a term that is not there", ["fits", 0, "terms", 0], "magic"],
    ["a leaf the ABI could not have", ["terms", 0, "per", "leaf"], "reclaim"],
    ["a range that saw no page size", ["fits", 0, "range", "pageSizes"], []],
    ["a page size without a leaf", ["terms", 0, "covers"], [{ phase: "x", pageSize: "2M" }]],
    ["an empty range", ["fits", 0, "range", "vcpus", "low"], 65],
    ["an unknown key", ["terms", 0, "price", "vlaue"], 1],
    ["another schema", ["schema"], "tdx-sim/profile/v9"],
    ["a name that is no file name", ["name"], "../x"],
  ])("%s", (_what, path, value) => {
    expect(() => parseProfile(changed(path, value), "my.json")).toThrow(
      expect.objectContaining({ kind: "data" }),
    );
  });

  test.each([null, 7, "text", [], {}])("%j", (value) => {
    expect(() => parseProfile(value, "my.json")).toThrow(expect.objectContaining({ kind: "data" }));
  });
});
