import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { EMULATED, LEAVES, NEWER_LEAVES, NOT_EMULATED } from "../../src/module/leaf-table.ts";
import { TdxModule } from "../../src/module/module.ts";
import { NotEmulated, standIns } from "../../src/module/not-emulated.ts";
import { RAX, Registers } from "../../src/module/registers.ts";
import { testPlatform } from "../support/module.ts";

function callWith(rax: bigint): string {
  const r = new Registers();
  r.set(RAX, rax);
  return new TdxModule(testPlatform()).seamcall(0, r).text;
}

/** Numbers from `first` to `last`. */
function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** ABI 2: the leaf numbers that module 1.5.01 implements. */
const IMPLEMENTED = new Set(
  [
    [0, 41],
    [43, 45],
    [48, 49],
    [52, 53],
    [64, 66],
    [68, 68],
    [70, 75],
    [80, 87],
    [96, 96],
  ].flatMap(([first = 0, last = 0]) => range(first, last)),
);

describe("the leaf table", () => {
  it("has every leaf number of the module and no other", () => {
    const known = LEAVES.flatMap((leaf) => (leaf === undefined ? [] : [leaf.number]));
    expect(known).toEqual([...IMPLEMENTED]);
  });

  it("has a file for each leaf that is emulated, named after it", () => {
    const files = readdirSync(new URL("../../src/module/leaves", import.meta.url));
    const names = [...EMULATED, ...NEWER_LEAVES].flatMap((leaf) => (leaf ? [leaf.name] : []));
    const expected = names.map((name) => `${name.toLowerCase().replaceAll(".", "-")}.ts`);
    expect(files.filter((file) => file !== "index.ts").sort()).toEqual(expected.sort());
  });

  it("names the leaves that are emulated as the module's own list does", () => {
    const own = new Map(standIns([]).map(({ number, name }) => [number, name]));
    const named = EMULATED.map(({ number, name }) => [number, name]);
    expect(named).toEqual(named.map(([number]) => [number, own.get(number as number)]));
  });

  it("names every leaf once", () => {
    const names = LEAVES.flatMap((leaf) => (leaf === undefined ? [] : [leaf.name]));
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !/^TDH(\.[A-Z0-9]+)+$/.test(name))).toEqual([]);
  });
});

describe("the dispatcher", () => {
  it.each([42, 46, 54, 63, 67, 69, 79, 88, 97, 255, 0xffff])("knows no leaf %i", (number) => {
    expect(callWith(BigInt(number))).toBe("TDX_OPERAND_INVALID|RAX");
  });

  it.each([24n, 32n, 52n, 63n])("refuses bit %i of RAX", (bit) => {
    expect(callWith(27n | (1n << bit))).toBe("TDX_OPERAND_INVALID|RAX");
  });

  it("refuses versions of leaves that have one only, bits 23:16 of RAX", () => {
    expect(callWith(27n)).toBe("TDX_SUCCESS");
    expect(callWith(27n | (1n << 16n))).toBe("TDX_OPERAND_INVALID|RAX");
    expect(callWith(27n | (0xffn << 16n))).toBe("TDX_OPERAND_INVALID|RAX");
  });
});

describe("a leaf that is not emulated", () => {
  it.each(NOT_EMULATED.map(({ number, name }) => ({ number, name })))(
    "$name throws and says so by name",
    ({ number, name }) => {
      expect(() => callWith(BigInt(number))).toThrow(NotEmulated);
      expect(() => callWith(BigInt(number))).toThrow(`${name} is not emulated`);
    },
  );

  it("answers nothing, and misses all of the real one", () => {
    for (const leaf of NOT_EMULATED) {
      expect(leaf).toMatchObject({ maxVersion: 0, missing: "all of it" });
      expect(leaf.refusals()).toEqual({ statuses: [] });
    }
  });

  it("is judged by the dispatcher first", () => {
    expect(callWith(48n | (1n << 16n))).toBe("TDX_OPERAND_INVALID|RAX");
    expect(callWith(48n | (1n << 40n))).toBe("TDX_OPERAND_INVALID|RAX");
  });
});
