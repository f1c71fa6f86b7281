import { describe, expect, test } from "vitest";
import type { ExpectationResult, Result } from "../../src/lab/result.ts";
import { type FORMAT_NAMES, render } from "../../src/report/render.ts";
import { COMPARISON, TROUBLED } from "./example-result.ts";

const HOSTILE = 'a < b & "c"\u0000\u001b[31m % :: ]]> # \\';

function entry(changes: Partial<ExpectationResult>): ExpectationResult {
  return {
    kind: "expectation",
    expectation: "hint.end.pagesLeaked == 0",
    level: "error",
    passed: true,
    left: 0,
    right: 0,
    detail: "0 == 0",
    ...changes,
  };
}

const JUDGED: Result = {
  ...COMPARISON,
  scenario: { name: "guard", sha256: "0".repeat(64) },
  expectations: [
    entry({}),
    entry({ expectation: "hint.seamcalls.total < 3", passed: false, detail: "9 < 3" }),
    entry({ expectation: HOSTILE, passed: false, level: "warn", detail: HOSTILE }),
  ],
};

function as(format: (typeof FORMAT_NAMES)[number], ...results: Result[]): Promise<string> {
  return render(results, { format, color: false, width: 80 });
}

describe("junit", () => {
  test("has a test case for each expectation and a failure for each error", async () => {
    const xml = await as("junit", JUDGED);
    expect(xml.match(/<testcase /g)).toHaveLength(3);
    expect(xml.match(/<failure /g)).toHaveLength(1);
    expect(xml).toContain('tests="3" failures="1"');
    expect(xml).toContain('message="9 &lt; 3"');
    expect(xml).toContain('name="guard"');
  });

  test("escapes what would end an attribute and what XML has no place for", async () => {
    const xml = await as("junit", JUDGED);
    expect(xml).toContain("a &lt; b &amp; &quot;c&quot;\\u0000\\u001b[31m");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
    expect(xml).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/);
  });

  test("says of a teardown without expectations whether it gave everything back", async () => {
    expect(await as("junit", COMPARISON)).toContain('failures="0"');
    expect(await as("junit", TROUBLED)).toContain("<failure ");
  });

  test("has a suite for each run", async () => {
    const xml = await as("junit", JUDGED, COMPARISON);
    expect(xml.match(/<testsuite /g)).toHaveLength(2);
    expect(xml).toContain('tests="6"');
  });
});

describe("tap", () => {
  test("numbers the expectations and marks failed warnings as to do", async () => {
    const lines = (await as("tap", JUDGED)).split("\n");
    expect(lines.slice(0, 4)).toEqual([
      "TAP version 14",
      "# tdx-sim, simulated",
      "1..3",
      "ok 1 - guard: hint.end.pagesLeaked == 0",
    ]);
    expect(lines).toContain("not ok 2 - guard: hint.seamcalls.total < 3");
    expect(lines.find((line) => line.startsWith("not ok 3"))).toMatch(/# TODO/);
  });

  test("lets no text become a directive", async () => {
    const third = (await as("tap", JUDGED)).split("\n").find((line) => line.startsWith("not ok 3"));
    expect(third).toContain("\\# \\\\");
  });
});

describe("github", () => {
  test("annotates what failed by its level", async () => {
    const lines = (await as("github", JUDGED)).trimEnd().split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[0]).toBe("::error title=tdx-sim%3A guard::hint.seamcalls.total < 3: 9 < 3");
    expect(lines[1]).toMatch(/^::warning title=/);
    expect(lines[2]).toBe("::notice title=tdx-sim::tdx-sim (simulated): 1 of 3 expectations hold");
  });

  test("escapes per cent, and control characters by name", async () => {
    expect(await as("github", JUDGED)).toContain("\\u001b[31m %25 ::");
  });
});

describe("expectations in the formats for people", () => {
  test.each(["table", "markdown"] as const)("%s lists them with their values", async (format) => {
    const text = await as(format, JUDGED);
    expect(text).toContain("Expectations");
    expect(text).toContain("ok: hint.end.pagesLeaked");
    expect(text.replaceAll("\\", "")).toContain("FAILED: hint.seamcalls.total < 3: 9 < 3");
    expect(text).toContain("warning:");
  });

  test("nothing is said where nothing was expected", async () => {
    expect(await as("table", COMPARISON)).not.toContain("Expectations");
  });
});

describe("several results", () => {
  test("are one JSON document", async () => {
    const { schema, results } = JSON.parse(await as("json", JUDGED, COMPARISON));
    expect(schema).toBe("tdx-sim/run/v1");
    expect(results).toHaveLength(2);
    expect(results[0]).toEqual(JSON.parse(await as("json", JUDGED)));
  });

  test("are one CSV under one header", async () => {
    const lines = (await as("csv", JUDGED, COMPARISON)).trimEnd().split("\n");
    expect(lines).toHaveLength(1 + 6);
    expect(lines.filter((line) => line.startsWith("schema,"))).toHaveLength(1);
  });
});
