import { beforeAll, describe, expect, test } from "vitest";
import { runCli } from "../support/cli.ts";

/** Every command that prints estimates, with its arguments. */
const COMMANDS: readonly (readonly string[])[] = [
  ["compare", "--memory", "1G"],
  ["compare", "--td", "published-64x400"],
  ["destroy", "--hint", "--memory", "1G"],
  ["explain", "runtime", "--memory", "400G", "--vcpus", "64"],
  ["explain", "create"],
  ["explain", "populate", "--page-size", "2M"],
  ["calibrate", "published-teardowns.csv"],
];
const FORMATS = ["table", "json", "ndjson", "csv", "markdown"] as const;
const CWD = new URL("../../fixtures/", import.meta.url).pathname;
const BASES = "exact|measured|fitted|assumed";

function print(
  args: readonly string[],
  format: string,
): Promise<{ code: number | null; stdout: string }> {
  return runCli([...args, "--format", format, "-q"], { cwd: CWD });
}

/** Objects of a document with a middle: they are estimates. */
function estimatesIn(value: unknown): Record<string, unknown>[] {
  if (typeof value !== "object" || value === null) return [];
  const own = "mid" in value ? [value as Record<string, unknown>] : [];
  return [...own, ...Object.values(value).flatMap(estimatesIn)];
}

const TIME = String.raw`\d[\d.]* (?:ns|us|ms|s|min|h|d)`;
const RANGE = String.raw`(?:0|\d[\d.]*)(?: (?:ns|us|ms|s|min|h|d))? to ${TIME}`;

describe.each(COMMANDS.map((args) => ({ args, name: args.join(" ") })))("$name", ({ args }) => {
  const printed = new Map<string, string>();
  beforeAll(async () => {
    for (const format of FORMATS) {
      const { code, stdout } = await print(args, format);
      expect(code, format).toBe(0);
      printed.set(format, stdout);
    }
  });

  test("gives no estimate in JSON without its range and basis", () => {
    const estimates = estimatesIn(JSON.parse(printed.get("json") ?? ""));
    expect(estimates.length).toBeGreaterThan(0);
    for (const estimate of estimates) {
      expect(estimate).toMatchObject({
        low: expect.any(Number),
        mid: expect.any(Number),
        high: expect.any(Number),
        basis: expect.stringMatching(`^(?:${BASES})$`),
      });
    }
  });

  test.each(["ndjson", "csv"])("gives no estimate in %s without its range and basis", (format) => {
    const [first = ""] = (printed.get(format) ?? "").split("\n");
    const columns = format === "csv" ? first.split(",") : Object.keys(JSON.parse(first));
    const estimates = columns.filter((column: string) => column.endsWith(".mid"));
    expect(estimates.length).toBeGreaterThan(0);
    for (const column of estimates) {
      for (const end of ["low", "high", "basis"]) {
        expect(columns).toContain(column.replace(/mid$/, end));
      }
    }
  });

  test("gives no time in the table without its range and basis", () => {
    const lines = (printed.get("table") ?? "").split("\n");
    // Sources quote what others measured; a measured time is no estimate.
    const told = lines.filter((line) => !/^ {4}(?:from|for) |^ {2}measured \d/.test(line));
    let estimates = 0;
    for (const [index, line] of told.entries()) {
      if (!new RegExp(`(?:^|[ =x(])${TIME}(?:$|[ ,(])`).test(line)) continue;
      if (/^ {2}range /.test(line) || isProse(line)) continue;
      estimates += 1;
      const beside = new RegExp(`${TIME} (?:a \\w+ )?\\(${RANGE}, (?:${BASES})\\)`).test(line);
      const columns = new RegExp(`${TIME} +${RANGE} +(?:${BASES})$`).test(line);
      const below =
        /^ {2}range /.test(told[index + 1] ?? "") &&
        new RegExp(`^ {2}basis .*(?:${BASES})$`).test(told[index + 2] ?? "");
      expect(beside || columns || below, line).toBe(true);
    }
    if (args[0] !== "calibrate") expect(estimates).toBeGreaterThan(0);
  });

  test("gives no time in Markdown without its range and basis", () => {
    const cells = (printed.get("markdown") ?? "").split("|").map((cell) => cell.trim());
    const times = cells.filter((cell) => new RegExp(`^${TIME}`).test(cell));
    for (const cell of times) {
      expect(cell).toMatch(new RegExp(`^${TIME} \\(${RANGE}, (?:${BASES})\\)$`));
    }
  });
});

/** Sentences that name what was measured, wrapped over lines. */
function isProse(line: string): boolean {
  return /^(?:- |The sum of|what was measured|leave-one-out|no residual|add up)|^ {4}\S/.test(line);
}
