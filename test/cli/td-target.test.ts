import { describe, expect, test } from "vitest";
import { chooseStored, chooseTarget } from "../../src/cli/td-target.ts";

const NOTHING = { options: {}, any: false };
const SHAPED = { options: { vcpus: 2 }, any: true };

const live = (name: string) => ({ name, destroyed: false });
const destroyed = (name: string) => ({ name, destroyed: true });

describe("the TD that destroy and compare work on", () => {
  test("is the one named, destroyed or not: the kernel says what that means", () => {
    expect(chooseTarget("a", NOTHING, () => [destroyed("a"), live("b")])).toEqual({
      kind: "stored",
      name: "a",
    });
  });

  test("is a new one of the options, without a look at the store", () => {
    const unread = () => expect.unreachable("the store was read");
    expect(chooseTarget(undefined, SHAPED, unread)).toEqual({
      kind: "fresh",
      options: { vcpus: 2 },
      source: "options",
    });
  });

  test("is the one live TD of the store otherwise", () => {
    expect(chooseTarget(undefined, NOTHING, () => [destroyed("a"), live("b")])).toEqual({
      kind: "stored",
      name: "b",
    });
  });

  test("is the default TD when none is live", () => {
    expect(chooseTarget(undefined, NOTHING, () => [destroyed("a")])).toEqual({
      kind: "fresh",
      options: {},
      source: "default",
    });
  });

  test("is not guessed among several", () => {
    expect(() => chooseTarget(undefined, NOTHING, () => [live("a"), live("b")])).toThrow(
      expect.objectContaining({ kind: "usage", message: expect.stringContaining("a, b") }),
    );
  });

  test("cannot be named and shaped at once", () => {
    expect(() => chooseTarget("a", SHAPED, () => [live("a")])).toThrow(
      expect.objectContaining({ kind: "usage" }),
    );
  });

  test("that was never there is no input", () => {
    expect(() => chooseTarget("nope", NOTHING, () => [live("a")])).toThrow(
      expect.objectContaining({ kind: "no-input" }),
    );
  });
});

describe("the TD that populate works on", () => {
  test("is the one live TD when none is named", () => {
    expect(chooseStored(undefined, [destroyed("a"), live("b")])).toBe("b");
  });

  test("has no default", () => {
    expect(() => chooseStored(undefined, [destroyed("a")])).toThrow(
      expect.objectContaining({ kind: "no-input" }),
    );
  });

  test("is not guessed among several", () => {
    expect(() => chooseStored(undefined, [live("a"), live("b")])).toThrow(
      expect.objectContaining({ kind: "usage" }),
    );
  });
});
