import { describe, expect, test } from "vitest";
import { checkTdName, isTdName, nextTdName } from "../../src/store/td-name.ts";
import { Failure } from "../../src/units/failure.ts";

describe("a TD name", () => {
  test.each(["a", "td-1", "0", "web--2-", "a".repeat(63)])("may be %j", (name) => {
    expect(isTdName(name)).toBe(true);
  });

  test.each([
    "",
    "-rf",
    "..",
    "a/b",
    "a\\b",
    "a\0b",
    "%2e",
    "~",
    "CON",
    "td_1",
    "td.",
    "td ",
    "td\n",
    "é",
    "\u202etd",
    "a".repeat(64),
  ])("may not be %j", (name) => {
    expect(isTdName(name)).toBe(false);
  });

  test("that is none is wrong usage, and the hint tells the rule", () => {
    const check = () => checkTdName("__proto__");
    expect(check).toThrow(Failure);
    expect(check).toThrow(
      expect.objectContaining({ kind: "usage", hint: expect.stringContaining("1 to 63") }),
    );
  });
});

describe("a name chosen by the store", () => {
  test("is the first one free, so that the same store gives the same name", () => {
    expect(nextTdName([])).toBe("td-1");
    expect(nextTdName(["td-1", "web", "td-3"])).toBe("td-2");
  });
});
