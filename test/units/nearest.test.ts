import { expect, test } from "vitest";
import { nearest } from "../../src/units/nearest.ts";

test("the nearest word is the one with the fewest changes", () => {
  expect(nearest("destry", ["create", "destroy", "compare"])).toBe("destroy");
  expect(nearest("jsno", ["json", "ndjson"])).toBe("json");
  expect(nearest("hnit", ["exit", "hint"])).toBe("hint");
});

test("a word that is far from all has no nearest", () => {
  expect(nearest("teardown", ["create", "destroy", "compare"])).toBeUndefined();
  expect(nearest("", ["destroy"])).toBeUndefined();
  expect(nearest("nope", ["row", "tap", "store"])).toBeUndefined();
});
