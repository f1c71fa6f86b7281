import { describe, expect, test } from "vitest";
import { wantsUnicode } from "../../src/cli/glyphs.ts";

const UTF8 = { LANG: "en_GB.UTF-8" };

describe("block characters", () => {
  test("are for terminals in a UTF-8 locale", () => {
    expect(wantsUnicode({ ascii: false, environment: UTF8, isTerminal: true })).toBe(true);
    expect(wantsUnicode({ ascii: false, environment: {}, isTerminal: true })).toBe(false);
    const polish = { LANG: "pl_PL.ISO8859-2" };
    expect(wantsUnicode({ ascii: false, environment: polish, isTerminal: true })).toBe(false);
  });

  test("are never printed with --ascii, into a pipe or on a dumb terminal", () => {
    expect(wantsUnicode({ ascii: true, environment: UTF8, isTerminal: true })).toBe(false);
    expect(wantsUnicode({ ascii: false, environment: UTF8, isTerminal: false })).toBe(false);
    const dumb = { ...UTF8, TERM: "dumb" };
    expect(wantsUnicode({ ascii: false, environment: dumb, isTerminal: true })).toBe(false);
  });

  test("LC_ALL overrides LC_CTYPE, which overrides LANG; empty ones do not count", () => {
    const ask = (environment: Record<string, string>): boolean =>
      wantsUnicode({ ascii: false, environment, isTerminal: true });
    expect(ask({ LC_ALL: "C", LC_CTYPE: "C.UTF-8", LANG: "C.UTF-8" })).toBe(false);
    expect(ask({ LC_ALL: "", LC_CTYPE: "C.utf8", LANG: "C" })).toBe(true);
  });
});
