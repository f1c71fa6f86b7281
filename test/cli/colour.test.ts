import { describe, expect, test } from "vitest";
import { type ColourOption, wantsColour } from "../../src/cli/colour.ts";

const TERMINAL = { TERM: "xterm-256color" };

function colour(
  option: ColourOption,
  environment: Record<string, string>,
  isTerminal: boolean,
): boolean {
  return wantsColour({ option, environment, isTerminal });
}

describe("colour", () => {
  test("is for terminals, unless somebody says otherwise", () => {
    expect(colour("auto", TERMINAL, true)).toBe(true);
    expect(colour("auto", TERMINAL, false)).toBe(false);
  });

  test("follows the option before everything else", () => {
    expect(colour("always", { NO_COLOR: "1", TERM: "dumb" }, false)).toBe(true);
    expect(colour("never", { FORCE_COLOR: "1" }, true)).toBe(false);
    expect(colour(false, { FORCE_COLOR: "1" }, true)).toBe(false);
  });

  test("follows NO_COLOR before FORCE_COLOR, when it is not empty", () => {
    expect(colour("auto", { NO_COLOR: "1", FORCE_COLOR: "1" }, true)).toBe(false);
    expect(colour("auto", { NO_COLOR: "", ...TERMINAL }, true)).toBe(true);
  });

  test("follows FORCE_COLOR before CLICOLOR_FORCE", () => {
    expect(colour("auto", { FORCE_COLOR: "0", CLICOLOR_FORCE: "1" }, true)).toBe(false);
    expect(colour("auto", { FORCE_COLOR: "1" }, false)).toBe(true);
    expect(colour("auto", { FORCE_COLOR: "" }, false)).toBe(true);
  });

  test("follows CLICOLOR_FORCE before a dumb terminal", () => {
    expect(colour("auto", { CLICOLOR_FORCE: "1", TERM: "dumb" }, false)).toBe(true);
    expect(colour("auto", { CLICOLOR_FORCE: "0" }, false)).toBe(false);
  });

  test("is not for dumb terminals", () => {
    expect(colour("auto", { TERM: "dumb" }, true)).toBe(false);
  });
});
