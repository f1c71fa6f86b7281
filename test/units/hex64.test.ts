import fc from "fast-check";
import { expect, test } from "vitest";
import { formatHex64, parseHex64 } from "../../src/units/hex64.ts";

test("a value is written with sixteen digits", () => {
  expect(formatHex64(0x8000_0200_0000_0001n)).toBe("0x8000020000000001");
  expect(formatHex64(0n)).toBe("0x0000000000000000");
});

test.each(["", "0x", "10", "0x1_0", "0x10000000000000000", "0xg", " 0x1"])(
  "%j is refused",
  (text) => {
    expect(() => parseHex64(text)).toThrow("is not a 64-bit hexadecimal number");
  },
);

test("every 64-bit value reads back", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
      expect(parseHex64(formatHex64(value))).toBe(value);
    }),
  );
});
