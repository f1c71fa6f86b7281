import { describe, expect, it } from "vitest";
import { R8, R9, RCX, RDX, Registers } from "../../src/module/registers.ts";

const ALL_ONES = 2n ** 64n - 1n;

describe("registers", () => {
  it.each([0n, 1n, 2n ** 52n - 1n, 2n ** 52n, 2n ** 63n, 0x8000_0001_2345_60f7n, ALL_ONES])(
    "hold all 64 bits of %i",
    (value) => {
      const r = new Registers();
      r.set(R8, value);
      expect([r.get(R8), r.get(R9)]).toEqual([value, 0n]);
      expect([r.isWide(R8), r.isAllOnes(R8)]).toEqual([value >> 52n > 0n, value === ALL_ONES]);
    },
  );

  it("are all-ones in all 64 bits or not at all", () => {
    const r = new Registers();
    r.set(R8, ALL_ONES - 1n);
    r.set(R9, 2n ** 52n - 1n);
    expect([r.isAllOnes(R8), r.isAllOnes(R9)]).toEqual([false, false]);
    r.setAllOnes(RDX);
    expect([r.isAllOnes(RDX), r.get(RDX)]).toEqual([true, ALL_ONES]);
  });

  it("forget the upper bits where a number or another's value takes their place", () => {
    const [r, from] = [new Registers(), new Registers()];
    for (const register of [RCX, RDX]) r.setAllOnes(register);
    r.setNumber(RCX, 7);
    expect(r.get(RCX)).toBe(7n);
    from.set(RDX, 9n);
    r.copy(from, RDX);
    expect(r.get(RDX)).toBe(9n);
    from.set(RDX, 2n ** 60n);
    r.copy(from, RDX);
    expect(r.get(RDX)).toBe(2n ** 60n);
  });

  it("hold nothing in those that describe a page, once cleared, and the rest in the others", () => {
    const r = new Registers();
    for (let register = 0; register < 16; register++) r.setAllOnes(register);
    r.clearPageOutputs();
    const cleared = Array.from({ length: 16 }, (_, i) => i).filter((i) => r.get(i) === 0n);
    expect(cleared).toEqual([1, 2, 8, 9, 10, 11]);
    expect(r.isAllOnes(0)).toBe(true);
  });
});
