import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Failure } from "../../src/units/failure.ts";
import { formatSize, parseSize } from "../../src/units/size.ts";

describe("parseSize", () => {
  test.each([
    ["0", 0],
    ["4096", 4096],
    ["4096B", 4096],
    ["4K", 4096],
    ["4k", 4096],
    ["4KiB", 4096],
    ["2M", 2_097_152],
    ["16G", 17_179_869_184],
    ["16 GiB", 17_179_869_184],
    ["1.5G", 1_610_612_736],
    ["1T", 1_099_511_627_776],
    ["8191T", 8191 * 2 ** 40],
  ])("%s is %d bytes", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each([
    ["", "is not a size"],
    ["G", "is not a size"],
    ["-1G", "is not a size"],
    ["1e9", "is not a size"],
    ["0x1000", "is not a size"],
    ["16P", "is not a size"],
    ["16G ", "is not a size"],
    ["16,5G", "is not a size"],
    ["NaN", "is not a size"],
    ["0.1G", "is not a whole number of bytes"],
    ["1.5", "is not a whole number of bytes"],
    ["8192T", "is too large"],
    ["9999999999999999", "is too large"],
  ])("%j is refused", (text, reason) => {
    expect(() => parseSize(text)).toThrow(reason);
  });

  test("a refusal is wrong usage and says what to write", () => {
    try {
      parseSize("lots");
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(Failure);
      expect(error).toMatchObject({ kind: "usage", hint: expect.stringContaining("16G") });
    }
  });

  test("GB is refused with the reason that sizes are binary", () => {
    try {
      parseSize("16GB");
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ hint: expect.stringContaining("binary") });
    }
  });

  test("what the user typed is shown without control characters", () => {
    expect(() => parseSize("\u001b[31m")).toThrow('"\\u001b[31m" is not a size');
  });

  test("any whole number of a unit is read exactly", () => {
    const units = fc.constantFrom(["K", 2 ** 10], ["M", 2 ** 20], ["G", 2 ** 30], ["T", 2 ** 40]);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 8191 }), units, (count, [letter, bytes]) => {
        expect(parseSize(`${count}${letter}`)).toBe(count * Number(bytes));
      }),
    );
  });
});

describe("formatSize", () => {
  test.each([
    [0, "0 B"],
    [512, "512 B"],
    [4096, "4 KiB"],
    [1_610_612_736, "1.5 GiB"],
    [17_179_869_184, "16 GiB"],
    [17_213_620_224, "16.03 GiB"],
    [107_374_182_400, "100 GiB"],
    [1_099_511_627_776, "1 TiB"],
  ])("%d bytes read %s", (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });

  test("whole sizes read back as the bytes they came from", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1023 }), (gib) => {
        expect(parseSize(formatSize(gib * 2 ** 30))).toBe(gib * 2 ** 30);
      }),
    );
  });
});
