import { describe, expect, it } from "vitest";
import {
  CPUID_ENTRIES,
  cpuidRegister,
  findCpuidRefusal,
} from "../../src/module/cpuid-configuration.ts";

const FIRST_ENTRY = 256;
const FAMILY = 0x806f8;
const [EAX, EBX, ECX, EDX] = [0, 1, 2, 3] as const;

/** ABI 10.2, in the order of TD_PARAMS: leaf, sub-leaf (all-ones where there is none). */
const ENTRIES = [
  [1, 0xffffffff],
  [4, 0],
  [4, 1],
  [4, 2],
  [4, 3],
  [7, 0],
  [7, 1],
  [0xa, 0xffffffff],
  [0x1c, 0xffffffff],
  [0x80000008, 0xffffffff],
  [7, 2],
  [0x23, 0],
] as const;
const CACHES = [1, 2, 3, 4];

/** TD_PARAMS with these registers set: entry, register, value. */
function params(...registers: readonly (readonly [number, number, number])[]): DataView {
  const view = new DataView(new ArrayBuffer(1024));
  for (const [entry, register, value] of registers) {
    view.setUint32(FIRST_ENTRY + entry * 16 + register * 4, value, true);
  }
  return view;
}

function refusal(entry: number): bigint {
  const [leaf, subLeaf] = ENTRIES[entry] as (typeof ENTRIES)[number];
  return (BigInt(subLeaf) << 32n) | BigInt(leaf);
}

describe("the CPUID configuration of TD_PARAMS", () => {
  it("has the entries of the ABI", () => {
    expect(CPUID_ENTRIES.map(({ leaf, subLeaf }) => [leaf, subLeaf])).toEqual(ENTRIES);
  });

  it("is read register by register", () => {
    expect(cpuidRegister(params([11, ECX, 0x89abcdef]), 11, ECX)).toBe(0x89abcdef);
  });

  it("may be all zeroes", () => {
    expect(findCpuidRefusal(params(), false)).toBeNull();
  });

  it("has bits in every register that may not be set, but in ECX of cache leaves", () => {
    for (const entry of ENTRIES.keys()) {
      for (const register of [EAX, EBX, ECX, EDX]) {
        const isFree = CACHES.includes(entry) && register === ECX;
        const found = findCpuidRefusal(params([entry, register, 0xffffffff]), true);
        expect(found, `entry ${entry}, register ${register}`).toBe(isFree ? null : refusal(entry));
      }
    }
  });

  it("takes what may be set", () => {
    const registers = CPUID_ENTRIES.flatMap(({ allowed }, entry) =>
      allowed.map((value, register) => [entry, register, value] as const),
    );
    expect(findCpuidRefusal(params(...registers), true)).toBeNull();
  });

  it("tells of the first entry that is wrong", () => {
    expect(findCpuidRefusal(params([6, EBX, 1], [10, EAX, 1]), false)).toBe(refusal(6));
  });

  it("has the platform's family where the TD is not migratable, or none", () => {
    expect(findCpuidRefusal(params([0, EAX, FAMILY]), false)).toBeNull();
    expect(findCpuidRefusal(params([0, EAX, FAMILY + 1]), false)).toBe(refusal(0));
    expect(findCpuidRefusal(params([0, EAX, FAMILY + 1]), true)).toBeNull();
  });

  it("has HLE and RTM both or neither, and tells of no leaf then", () => {
    const [hle, rtm] = [1 << 4, 1 << 11];
    expect(findCpuidRefusal(params([5, EBX, hle | rtm]), false)).toBeNull();
    expect(findCpuidRefusal(params([5, EBX, hle]), false)).toBe(0n);
    expect(findCpuidRefusal(params([5, EBX, rtm]), false)).toBe(0n);
  });
});
