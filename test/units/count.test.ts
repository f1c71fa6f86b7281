import fc from "fast-check";
import { expect, test } from "vitest";
import { formatCount } from "../../src/units/count.ts";

test.each([
  [0, "0"],
  [999, "999"],
  [1000, "1,000"],
  [4_202_552, "4,202,552"],
  [1_073_741_824, "1,073,741,824"],
])("%d reads %s", (count, text) => {
  expect(formatCount(count)).toBe(text);
});

test("no digit is lost", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (count) => {
      expect(formatCount(count).replaceAll(",", "")).toBe(String(count));
    }),
  );
});
