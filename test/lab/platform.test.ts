import { describe, expect, test } from "vitest";
import { platformFor } from "../../src/lab/platform.ts";
import { parsePlatformShape } from "../../src/lab/platform-schema.ts";
import { PLATFORMS, type PlatformShape } from "../../src/lab/platforms.ts";
import { resolveTdOptions } from "../../src/lab/td-options.ts";

const shapes = [...PLATFORMS.values()];

function platform(name: string): PlatformShape {
  const found = PLATFORMS.get(name);
  if (found === undefined) throw new Error(`no platform ${name}`);
  return found;
}

describe("named platforms", () => {
  test.each(shapes)("$name keeps to the schema that files are held to", (shape) => {
    expect(parsePlatformShape(JSON.parse(JSON.stringify(shape)), shape.name)).toEqual(shape);
  });

  test.each(shapes)("$name has room between its memory and its KeyID bits", (shape) => {
    const { tdmrs, hkidShift, hkids } = platformFor(resolveTdOptions({ platform: shape }));
    const [tdmr] = tdmrs;
    expect((tdmr?.base ?? 0) + (tdmr?.size ?? 0)).toBeLessThan(2 ** hkidShift);
    expect((hkids.first + hkids.count - 1) * 2 ** hkidShift).toBeLessThan(2 ** 52);
  });

  test("cover the published KeyID ranges", () => {
    const usable = shapes.map(({ privateKeyIds }) => privateKeyIds.count - 1);
    expect(new Set(usable)).toEqual(new Set([63, 47, 31, 15]));
  });

  test("cover 1, 2, 4 and 8 packages", () => {
    const packages = shapes.map((shape) => shape.packages ?? 1);
    expect(new Set(packages)).toEqual(new Set([1, 2, 4, 8]));
  });
});

describe("a platform and the other options", () => {
  test("packages and LPs are the platform's", () => {
    const td = resolveTdOptions({ platform: platform("two-socket") });
    expect(td).toMatchObject({ packages: 2, lps: 128 });
    expect(new Set(platformFor(td).lpToPackage)).toEqual(new Set([0, 1]));
  });

  test("an option may only agree with the platform", () => {
    const named = platform("two-socket");
    expect(resolveTdOptions({ platform: named, packages: 2 }).packages).toBe(2);
    expect(() => resolveTdOptions({ platform: named, packages: 1 })).toThrow(
      "platform two-socket has 2 packages, not 1",
    );
  });

  test("what a platform leaves open follows the TD", () => {
    const td = resolveTdOptions({ platform: platform("hkids-31"), vcpus: 40, packages: 2 });
    expect(platformFor(td)).toMatchObject({ hkids: { first: 32, count: 32 }, hkidShift: 46 });
    expect(platformFor(td).lpToPackage).toHaveLength(40);
  });
});

describe("platform files", () => {
  const good = platform("small");

  test.each([
    ["no KeyIDs", { privateKeyIds: undefined }, "privateKeyIds"],
    ["nine packages", { packages: 9 }, "packages"],
    ["fewer LPs than packages", { packages: 4, lps: 2 }, "every package needs an LP"],
    ["an unknown key", { sockets: 2 }, "sockets"],
    ["half a GiB", { memoryBytes: 2 ** 29 }, "multiple of 1 GiB"],
    [
      "memory in the KeyID bits",
      { privateKeyIds: { first: 16_384, count: 16_384 }, memoryBytes: 2 ** 40 },
      "address bits",
    ],
  ])("with %s are refused", (_what, change, said) => {
    const value = JSON.parse(JSON.stringify({ ...good, ...change }));
    expect(() => parsePlatformShape(value, "host.json")).toThrow(said);
  });
});
