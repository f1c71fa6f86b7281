import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { explainStrategy } from "../../src/lab/explain-strategy.ts";
import { kernelsDocument } from "../../src/lab/kernel-facts.ts";
import { GENERATIONS } from "../../src/lab/kernels.ts";
import { kernelsMarkdown } from "../../src/report/kernels-markdown.ts";
import { procedureMermaid, procedureSheet } from "../../src/report/procedure.ts";

const EVERY = [...GENERATIONS.values()].flatMap((generation) =>
  generation.strategies.map((strategy) => ({
    name: `${strategy.name}@${generation.name}`,
    generation,
    strategy,
  })),
);

describe("docs/kernels.md", () => {
  const doc = readFileSync(new URL("../../docs/kernels.md", import.meta.url), "utf8");

  test("is what npm run docs:kernels writes", () => {
    expect(doc === kernelsMarkdown(kernelsDocument()), "run npm run docs:kernels").toBe(true);
  });

  test("has a row and a chapter for each generation", () => {
    for (const name of GENERATIONS.keys()) {
      expect(doc).toContain(`\n| ${name} | `);
      expect(doc).toContain(`\n## ${name}\n`);
    }
  });

  test("says what every key of a source stands for", () => {
    const keys = JSON.stringify(kernelsDocument()).match(
      /\b(?:[VT]\d\d-\w+|T-[\w/]+|K616|TM\d\d|S0)\b/g,
    );
    const used = [...new Set(keys)].filter((key) => !/^(?:T-D|T-5)$/.test(key));
    expect(used.length).toBeGreaterThan(15);
    for (const key of used) expect(doc).toContain(`\n| ${key} | `);
  });

  test("marks everything that was not read off a kernel", () => {
    for (const { doubts } of GENERATIONS.values()) {
      for (const { mark, about } of doubts) expect(doc).toContain(`- ${mark}: ${about}`);
    }
  });
});

describe("explaining a strategy", () => {
  test.each(EVERY)("$name tells every step, lock, call, source and doubt", (each) => {
    const explained = explainStrategy(each.generation, each.strategy);
    const text = procedureSheet(explained, 1000).join("\n");
    for (const step of explained.steps) {
      expect(text).toContain(step.title);
      for (const lock of step.locks) expect(text).toContain(lock);
      for (const { leaf, formula, source } of step.calls) {
        expect(text).toContain(`${leaf} x ${formula}`);
        expect(text).toContain(source);
      }
    }
    for (const { mark, about } of explained.doubts) expect(text).toContain(`${mark}: ${about}`);
    const removes = each.strategy.steps.includes("remove-leaves");
    expect(text.includes("remote-TLB-flush hook")).toBe(removes);
  });

  test.each(EVERY)("$name is a Mermaid sequence diagram", ({ generation, strategy }) => {
    const lines = procedureMermaid(explainStrategy(generation, strategy)).split("\n");
    expect(lines.slice(0, 4)).toEqual([
      "---",
      expect.stringMatching(/^title: "/),
      "---",
      "sequenceDiagram",
    ]);
    const statement =
      /^ *(?:participant [UKM] as [^;#]+|[UKM]-{1,2}>>[UKM]: [^;#]+|Note (?:over|right of) K: [^;#]+|loop [^;#]+|end)$/;
    for (const line of lines.slice(4, -1)) expect(line).toMatch(statement);
    const loops = lines.filter((line) => line.trim().startsWith("loop ")).length;
    expect(lines.filter((line) => line.trim() === "end")).toHaveLength(loops);
  });

  test("lines keep within the width", () => {
    for (const { generation, strategy } of EVERY) {
      const details = procedureSheet(explainStrategy(generation, strategy), 80);
      const wide = details.filter((line) => line.length > 80);
      expect(
        wide.every((line) => line.startsWith("user space") || line.startsWith("    module")),
      ).toBe(true);
    }
  });
});
