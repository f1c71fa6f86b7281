import { describe, expect, test } from "vitest";
import { explainStrategy } from "../../src/lab/explain-strategy.ts";
import { GENERATIONS, strategyOf } from "../../src/lab/kernels.ts";
import type { Result } from "../../src/lab/result.ts";
import { renderSvg } from "../../src/report/drawings/svg.ts";
import { escapeXml } from "../../src/report/svg-parts.ts";
import { renderSequenceSvg } from "../../src/report/svg-sequence.ts";
import { renderSweepSvg } from "../../src/report/svg-sweep.ts";
import { type Colours, DARK, LIGHT } from "../../src/report/svg-theme.ts";
import { COMPARISON, TROUBLED } from "./example-result.ts";
import { sweepRows } from "./sweep-rows.ts";

const SWEEP = renderSweepSvg(sweepRows([1, 4, 16, 64])) ?? "";
const PICTURES: readonly [string, string][] = [
  ["of a comparison", renderSvg(COMPARISON)],
  ["of one teardown", renderSvg(TROUBLED)],
  ["of a sweep", SWEEP],
];

/** Elements that are opened and not closed; attributes may hold no angle brackets. */
function unclosed(xml: string): string[] {
  const open: string[] = [];
  for (const [, end, name = "", self] of xml.matchAll(/<(\/?)([a-z]+)[^<>]*?(\/?)>/g)) {
    if (end === "/") expect(open.pop()).toBe(name);
    else if (self !== "/") open.push(name);
  }
  return open;
}

/** Relative luminance and contrast ratio as WCAG 2 defines them. */
function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

describe.each(PICTURES)("a picture %s", (_, picture) => {
  test("is well-formed, with a title and a description for those who do not see it", () => {
    expect(unclosed(picture)).toEqual([]);
    expect(picture).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" /);
    expect(picture).toContain('role="img" aria-labelledby="tdx-sim-title tdx-sim-description"');
    expect(picture).toMatch(/<title id="tdx-sim-title">[^<]+<\/title><desc id="[^"]+">[^<]+</);
  });

  test("says simulated and the profile, and no time without its range", () => {
    expect(picture).toContain("SIMULATED");
    expect(picture).toContain("cost profile published-2025");
    const times = [...picture.matchAll(/>([^<]*\d (?:ms|s|min|h|d)[^<]*)<\/text>/g)];
    const spoken = times.map(([, text = ""]) => text).filter((text) => !/^[\d,.]+ \w+$/.test(text));
    expect(spoken.length).toBeGreaterThan(0);
    for (const text of spoken) expect(text).toMatch(/\([^)]* to [^)]*, \w+\)/);
  });

  test("follows the reader's setting, needs nothing from elsewhere and runs nothing", () => {
    expect(picture).toContain("@media(prefers-color-scheme:dark)");
    expect(picture).not.toMatch(/<script|<image|<foreignObject|href=|url\(|@import/);
    expect(picture).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe.each([...GENERATIONS.values()].map((each) => [each.name, each] as const))(
  "sequence diagrams of %s",
  (_, kernel) => {
    test.each(kernel.strategies.map(({ name }) => name))(
      "%s has every call with its count",
      (name) => {
        const explained = explainStrategy(kernel, strategyOf(kernel, name));
        const picture = renderSequenceSvg(explained, "auto", "other");
        expect(unclosed(picture)).toEqual([]);
        expect(picture).toContain(`SIMULATED ${name} in ${kernel.name}`);
        expect(picture).toContain('aria-labelledby="other-title other-description"');
        for (const { leaf, formula } of explained.steps.flatMap(({ calls }) => calls)) {
          expect(picture).toContain(escapeXml(`${leaf} x ${formula}`));
        }
      },
    );
  },
);

describe("a picture", () => {
  test("in a theme does not ask for the reader's setting", () => {
    for (const theme of ["light", "dark"] as const) {
      const picture = renderSvg(COMPARISON, theme);
      expect(picture).not.toContain("prefers-color-scheme");
      expect(picture).toContain(`--page:${(theme === "dark" ? DARK : LIGHT).page}`);
    }
  });

  test("cannot be broken by a name from outside", () => {
    const td = { ...COMPARISON.td, name: 'a"<&>\u001b' };
    const profile = { ...COMPARISON.profile, name: "</text><script>" };
    const picture = renderSvg({ ...COMPARISON, td, profile } as Result);
    expect(unclosed(picture)).toEqual([]);
    expect(picture).toContain("a&quot;&lt;&amp;&gt;\\u001b");
    expect(picture).not.toContain("<script");
  });

  test("shows every leaf and phase with its exact count to those who point at it", () => {
    const picture = renderSvg(COMPARISON);
    expect(picture).toContain("<title>runtime, TDH.MEM.TRACK: 4,194,304</title>");
    expect(picture).toContain("<title>hint, release-hkid: 350 ms (0 to 700 ms, fitted)</title>");
  });

  test("of a sweep is none where there is no dimension to draw over", () => {
    expect(renderSweepSvg(sweepRows([16]))).toBeNull();
  });

  test("of a teardown that took no time is still a picture", () => {
    const none = { low: 0, mid: 0, high: 0, basis: "exact" as const, extrapolated: false };
    const strategies = COMPARISON.strategies.map((entry) => ({
      ...entry,
      elapsedNs: none,
      phases: [],
    }));
    expect(renderSvg({ ...COMPARISON, strategies })).not.toMatch(/NaN|Infinity/);
  });
});

describe.each([
  ["light", LIGHT],
  ["dark", DARK],
] as [string, Colours][])("colours on a %s page", (_, colours) => {
  test("of text have a contrast of at least 4.5", () => {
    for (const colour of [colours.text, colours.faint]) {
      expect(contrast(colour, colours.page)).toBeGreaterThanOrEqual(4.5);
    }
  });

  test("of parts are seen on the page, and what is written on them can be read", () => {
    for (const part of colours.parts) {
      expect(contrast(part, colours.page)).toBeGreaterThanOrEqual(4.5);
      expect(contrast(colours.onPart, part)).toBeGreaterThanOrEqual(4.5);
    }
  });
});
