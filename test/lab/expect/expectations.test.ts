import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { emptyEntry, entryOf } from "../../../src/lab/expect/entry.ts";
import { evaluate } from "../../../src/lab/expect/evaluate.ts";
import { parseExpectation } from "../../../src/lab/expect/parse.ts";
import { COMPARISON } from "../../report/example-result.ts";

const KERNELS = ["v16", "v6.16", "terminate-v5", "terminate-v5-5of5"];

const { strategies, comparison } = COMPARISON;
const entries = strategies.map((strategy) => entryOf(strategy, comparison));

function detailOf(text: string): string {
  return evaluate(parseExpectation(text, KERNELS), entries).detail;
}

function holds(text: string): boolean {
  return evaluate(parseExpectation(text, KERNELS), entries).passed;
}

function refusal(text: string): string {
  try {
    evaluate(parseExpectation(text, KERNELS), entries);
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}

describe("expectations of the tracker", () => {
  test.each([
    ["hint.seamcalls.total < runtime.seamcalls.total / 3.9", true],
    ['hint.seamcalls.byLeaf["TDH.MEM.TRACK"] == 0', true],
    ["hint.end.pagesLeaked == 0", true],
    ["hint.end.hkidFree == true", true],
    ['hint.elapsedNs.basis != "exact"', true],
    ["hint@v16.seamcalls.total >= 1", true],
    ['hint@"v16".seamcalls.total >= 1', true],
    ['hint.phases["reclaim-private"].seamcalls.total > 0', true],
    ['hint.phases["remove-private"].seamcalls.total == 0', true],
    ["hint.comparison.seamcallRatio > 3.9", true],
    ['hint.statuses["TDX_OPERAND_BUSY|RCX"] == 0', true],
    ["runtime.elapsedNs.high < 1ns", false],
    ["- hint.end.pagesLeaked == -0", true],
  ])("%s is %s", (text, passed) => {
    expect(holds(text)).toBe(passed);
  });
});

describe("literals", () => {
  test.each([
    ["120s == 120000000000", true],
    ["2min == 120s", true],
    ["1h == 60min", true],
    ["1.5ms == 1500us", true],
    ["4K == 4096", true],
    ["16GiB == 16G", true],
    ["2% == 0.02", true],
    ["1e3 == 1000", true],
    ["(1 + 2) * 3 == 9", true],
    ["1 + 2 * 3 == 7", true],
    ["8 / 2 / 2 == 2", true],
    ["8 - 2 - 2 == 4", true],
    ["'a' == \"a\"", true],
  ])("%s", (text, passed) => {
    expect(holds(text)).toBe(passed);
  });
});

test("a failed expectation shows both sides with the values put in", () => {
  const [runtime, , hint] = strategies;
  const [calls, base] = [hint?.seamcalls.total, runtime?.seamcalls.total ?? 0];
  expect(detailOf("hint.seamcalls.total < runtime.seamcalls.total / 5")).toBe(
    `${calls} < ${base} / 5, that is ${calls} < ${base / 5}`,
  );
  expect(detailOf("runtime.elapsedNs.mid < 2s")).toBe(`${runtime?.elapsedNs.mid}ns < 2s`);
});

describe("an expectation that says nothing is refused with its column", () => {
  test.each([
    ["", "column 1: it ends too early"],
    ["hint.seamcalls.total", "column 21: a comparison is missing"],
    ["hint.seamcalls.total = 3", "= is not a comparison"],
    ["1 < 2 < 3", "column 7: there is one comparison already"],
    ["1 < 2 3", "column 7: 3 is too much"],
    ["(1 < 2", "column 4: ) is missing"],
    ["hint. < 1", "column 7: a name follows the dot"],
    ["hint[3] < 1", 'a text follows: ["TDH.MEM.TRACK"]'],
    ["5parsecs < 1", "5parsecs has no known unit"],
    ["1constructor < 1", "has no known unit"],
    ["$x < 1", "$ has no meaning here"],
    ["hint@v99.seamcalls.total < 1", "@ is not followed by a kernel generation"],
    ["terminate@v6.16.end.pagesLeaked < 1", "strategy terminate is not run"],
    ["hnit.seamcalls.total < 1", "strategy hnit is not run"],
    ["hint.seamcalls.totl < 1", 'seamcalls has no "totl"'],
    ["hint.seamcalls < 1", "seamcalls is not one value"],
    ["hint.seamcalls.total.x < 1", "total is a value and has no x"],
    ['hint.seamcalls.byLeaf["TDH.MEM.TRAC"] < 1', 'byLeaf has no "TDH.MEM.TRAC"'],
    ["hint.constructor < 1", 'hint has no "constructor"'],
    ["hint.__proto__ < 1", 'hint has no "__proto__"'],
    ["hint.end.hkidFree < 1", "a yes or no does not compare with a number"],
    ["hint.end.hkidFree < true", "< compares numbers"],
    ["hint.kernel + 1 < 1", "one cannot calculate with a text"],
  ])("%s", (text, said) => {
    expect(refusal(text)).toContain(said);
  });
});

test("what is nested too deep or too long is refused", () => {
  expect(refusal(`${"(".repeat(60)}1${")".repeat(60)} < 1`)).toContain("nested too deep");
  expect(refusal(`${"-".repeat(60)}1 < 1`)).toContain("nested too deep");
  expect(refusal("1".repeat(2000))).toContain("longer than 1000");
});

test("kernel names with dots and common beginnings are told apart", () => {
  for (const kernel of KERNELS) {
    const comparison = parseExpectation(`hint@${kernel}.end.pagesLeaked == 0`, KERNELS);
    expect(evaluate(comparison, [emptyEntry("hint", kernel)]).passed).toBe(true);
  }
});

test("two kernels need a name", () => {
  const both = [emptyEntry("hint", "v16"), emptyEntry("hint", "v6.16")];
  const bare = parseExpectation("hint.end.pagesLeaked == 0", KERNELS);
  expect(() => evaluate(bare, both)).toThrow("hint is run on several kernels");
});

test("any text either parses or is refused as wrong usage, never anything else", () => {
  const words = fc.constantFrom(
    ...'hint . seamcalls total [ ] ( ) + - * / < <= == 1 2s 4K % "x" \' @v16 @ \\ \u0000 é'.split(
      " ",
    ),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(words).map((each) => each.join("")),
      ),
      (text) => {
        try {
          evaluate(parseExpectation(text, KERNELS), entries);
        } catch (error) {
          expect(error).toMatchObject({ name: "Failure", kind: "usage" });
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test("sums are worked out as arithmetic says", () => {
  const leaf = fc.integer({ min: 0, max: 99 }).map((n) => ({ text: String(n), value: n }));
  const { sum } = fc.letrec<{ sum: { text: string; value: number } }>((tie) => ({
    sum: fc.oneof(
      { maxDepth: 5 },
      leaf,
      fc.tuple(tie("sum"), fc.constantFrom("+", "-", "*"), tie("sum")).map(([a, sign, b]) => ({
        text: `(${a.text} ${sign} ${b.text})`,
        value:
          sign === "+" ? a.value + b.value : sign === "-" ? a.value - b.value : a.value * b.value,
      })),
    ),
  }));
  fc.assert(
    fc.property(sum, ({ text, value }) => {
      const { left } = evaluate(parseExpectation(`${text} == 0`, KERNELS), entries);
      expect(left).toBeCloseTo(value, 6);
    }),
  );
});
