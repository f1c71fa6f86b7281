import { describe, expect, test } from "vitest";
import { PUBLISHED_2025 } from "../../src/cost/profiles/published-2025.ts";
import { explainStrategy } from "../../src/lab/explain-strategy.ts";
import { generation, strategyOf } from "../../src/lab/kernels.ts";
import type { Result } from "../../src/lab/result.ts";
import { htmlPage } from "../../src/report/drawings/html.ts";
import { escapeXml } from "../../src/report/svg-parts.ts";
import { COMPARISON } from "./example-result.ts";

function page(result: Result = COMPARISON, script = "void 0;"): string {
  return htmlPage(result, { profile: PUBLISHED_2025, theme: "auto" }, { script });
}

describe("the HTML report", () => {
  test("fetches nothing, from anywhere", () => {
    const html = page();
    expect(html).toContain("default-src 'none'");
    expect(html).not.toMatch(/<link(?! rel="icon" href="data:,")|src=|@import|url\(/);
  });

  test("can be read without its script: tables, picture and configuration are in the markup", () => {
    const markup = page().replace(/<script[\s\S]*?<\/script>/g, "");
    expect(markup).toContain('<th scope="row" class="part">TDH.MEM.TRACK</th>');
    expect(markup).toContain("4,194,304");
    expect(markup).toContain("<svg ");
    expect(markup).toContain("SHA-256");
  });

  test("says simulated in its title, and has a range and a basis below every time", () => {
    const html = page();
    expect(html).toMatch(/<title>SIMULATED /);
    expect(html).toContain('<td>64 s<br><span class="faint">58 to 71 s, assumed</span></td>');
  });

  test("tells where every number of the cost profile comes from", () => {
    const html = page();
    const { terms, fits } = PUBLISHED_2025;
    const figures = [
      ...terms.map(({ price }) => price),
      ...fits.flatMap(({ tolerance, widening, otherForm: form }) => [
        tolerance,
        widening,
        ...(form === undefined ? [] : [form.base, form.slope, form.margin, form.spread]),
      ]),
    ];
    expect(figures.length).toBeGreaterThan(15);
    for (const { source, conditions, unit } of figures) {
      expect(html).toContain(escapeXml(source));
      expect(html).toContain(escapeXml(conditions));
      expect(html).toContain(escapeXml(unit));
    }
  });

  test("cannot be broken out of by names from outside", () => {
    const name = "</script><img src=x onerror=alert(1)>";
    const strategies = COMPARISON.strategies.map((entry) => ({ ...entry, strategy: name }));
    const html = page({ ...COMPARISON, td: { ...COMPARISON.td, name }, strategies });
    expect(html).not.toContain("<img");
    expect(html.match(/<\/script>/g)).toHaveLength(2);
  });

  test("a script cannot end itself early", () => {
    const html = page(COMPARISON, 'const a = "</script>", b = "<!--";');
    expect(html.match(/<\/script>/g)).toHaveLength(2);
    expect(html).not.toContain("<!--");
  });

  test("shows how each strategy goes, drawn and in words", () => {
    const v16 = generation("v16");
    const explained = ["runtime", "hint"].map((name) => {
      return explainStrategy(v16, strategyOf(v16, name));
    });
    const materials = { profile: PUBLISHED_2025, theme: "auto" as const, explained };
    const html = htmlPage(COMPARISON, materials, { script: "" });
    for (const { strategy, steps } of explained) {
      expect(html).toContain(`<summary>${strategy} in v16</summary>`);
      expect(html).toContain(`SIMULATED ${strategy} in v16, step by step`);
      for (const { title, calls } of steps) {
        expect(html).toContain(escapeXml(title));
        for (const { leaf, source } of calls) {
          expect(html).toContain(`${leaf} x `);
          expect(html).toContain(escapeXml(source));
        }
      }
    }
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
