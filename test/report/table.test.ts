import { describe, expect, test } from "vitest";
import type { Result } from "../../src/lab/result.ts";
import { render } from "../../src/report/render.ts";
import { COMPARISON, RUNTIME_ENTRY, releaseFirst, TROUBLED } from "./example-result.ts";

function table(result: Result, width = 80, color = false): Promise<string> {
  return render([result], { format: "table", width, color });
}

function widest(text: string): number {
  return Math.max(...text.split("\n").map((line) => line.length));
}

const ANSI = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, "g");

describe("table", () => {
  test("of a comparison", async () => {
    await expect(await table(COMPARISON)).toMatchFileSnapshot("golden/comparison.txt");
  });

  test("of one strategy shows its phases, statuses and leaks", async () => {
    await expect(await table(TROUBLED)).toMatchFileSnapshot("golden/troubled.txt");
  });

  test("fits 80 columns, also for the largest counts and the widest ranges", async () => {
    const wide = {
      ...RUNTIME_ENTRY,
      seamcalls: {
        total: 4_296_000_000_000,
        byLeaf: { "TDH.PHYMEM.PAGE.RECLAIM": 1_099_511_627_776 },
      },
      elapsedNs: { ...RUNTIME_ENTRY.elapsedNs, low: 990e6, mid: 60e9, high: 900e9 },
    };
    const text = await table({ ...COMPARISON, strategies: [wide, wide, wide, wide] });
    expect(widest(text)).toBeLessThanOrEqual(80);
    expect(text).toContain("4,296,000,000,000");
  });

  test("puts strategies that do not fit below each other, none left out", async () => {
    const strategies = ["runtime", "exit", "hint", "terminate"].map(releaseFirst);
    const text = await table({ ...COMPARISON, strategies }, 60);
    expect(widest(text)).toBeLessThanOrEqual(60);
    for (const name of ["runtime", "exit", "hint", "terminate"]) {
      expect(text).toMatch(new RegExp(`^ .*\\b${name}\\b`, "m"));
    }
  });

  test("names the kernel of each strategy when there are several", async () => {
    const newer = { ...releaseFirst("exit"), kernel: "v6.16" };
    const text = await table({ ...COMPARISON, strategies: [releaseFirst("exit"), newer] });
    expect(text).toMatch(/exit@v16 +exit@v6\.16/);
  });

  test("says SIMULATED in its first line", async () => {
    expect((await table(COMPARISON)).split("\n")[0]).toContain("SIMULATED");
  });

  test("has range and basis below every estimated time and ratio", async () => {
    const lines = (await table(COMPARISON)).split("\n");
    const estimates = lines.flatMap((line, index) =>
      /\d (?:ms|s|min)$|\dx$/.test(line) && !line.startsWith("  range") ? [index] : [],
    );
    expect(estimates.length).toBe(6);
    for (const index of estimates) {
      const range = /^ {2}range .*\d+(?:\.\d+)?(?: m?s|x)? to \d+(?:\.\d+)?(?: m?s|x)$/;
      expect(lines[index + 1]).toMatch(range);
      expect(lines[index + 2]).toMatch(/^ {2}basis .*(?:measured|fitted|assumed)$/);
    }
  });

  test("with colour has the same text, and without it no escape sequence", async () => {
    const plain = await table(COMPARISON);
    const colored = await table(COMPARISON, 80, true);
    expect(plain).not.toMatch(ANSI);
    expect(colored).toMatch(ANSI);
    expect(colored.replace(ANSI, "")).toBe(plain);
  });

  test("a reason that concerns several strategies is told once", async () => {
    const reasons = ["It was measured elsewhere."];
    const strategies = COMPARISON.strategies.map((entry) => ({
      ...entry,
      elapsedNs: { ...entry.elapsedNs, extrapolated: true, reasons },
    }));
    const text = await table({ ...COMPARISON, strategies });
    expect(text).toContain("runtime, exit, hint: It was measured elsewhere.");
    expect(text.split("It was measured elsewhere.").length).toBe(2);
  });

  test("a strategy with more SEAMCALLs is not said to have fewer", async () => {
    const comparison = COMPARISON.comparison.map((entry) => ({ ...entry, seamcallRatio: 0.8 }));
    const text = await table({ ...COMPARISON, comparison });
    expect(text).toContain("hint: 1.25x more SEAMCALLs than runtime, 3.2x faster");
  });

  test("a strategy that takes as long, or longer, is not said to be faster", async () => {
    const slow = { low: 0.4, mid: 0.5, high: 0.6, basis: "fitted" } as const;
    const even = { low: 1, mid: 1, high: 1, basis: "exact" } as const;
    const comparison = COMPARISON.comparison.map((entry) => {
      if (entry.strategy === "exit") return { ...entry, seamcallRatio: 1, elapsedRatio: even };
      return entry.strategy === "hint" ? { ...entry, elapsedRatio: slow } : entry;
    });
    const text = await table({ ...COMPARISON, comparison });
    expect(text).toContain("exit: as many SEAMCALLs as runtime, in the same time");
    expect(text).toContain("than runtime, 0.50x as fast (0.40x to 0.60x, fitted)");
  });

  test("what never comes back has no time after which it is free", async () => {
    const [first] = COMPARISON.strategies;
    if (first === undefined) return expect.unreachable("there are strategies");
    const livelock = { leaf: "TDH.MEM.TRACK", status: "TDX_OPERAND_BUSY|TD_EPOCH", calls: 9 };
    const stuck = {
      ...first,
      phases: first.phases.slice(0, 1),
      end: { ...first.end, hkidFree: false, livelock },
    };
    const text = await table({ ...COMPARISON, strategies: [stuck], comparison: [] });
    expect(text).toMatch(/^HKID free after +never$/m);
    expect(text).toMatch(/^Memory free after +never$/m);
    const released = { ...stuck, phases: first.phases.slice(0, 2) };
    const later = await table({ ...COMPARISON, strategies: [released], comparison: [] });
    expect(later).toMatch(/^HKID free after +never$/m);
    expect(later).toMatch(/^Memory free after +64 s$/m);
  });

  test("a ratio that nothing bounds is not spelt out", async () => {
    const wide = { low: 0, mid: 4, high: 5.6e12, basis: "assumed" } as const;
    const comparison = COMPARISON.comparison.map((entry) => ({ ...entry, elapsedRatio: wide }));
    const text = await table({ ...COMPARISON, comparison }, 120);
    expect(text).toContain("4.0x faster (0x to over 1000x, assumed)");
  });

  test("control characters in names cannot reach the terminal", async () => {
    const td = { ...COMPARISON.td, name: "a\u001b[2Jb\u202ec" };
    const text = await table({ ...COMPARISON, td, warnings: ["x\u0007\ny"] });
    expect(text).toContain("a\\u001b[2Jb\\u202ec");
    expect(text).toContain("x\\u0007\\u000ay");
  });

  test("a TD with nothing mapped has no count per page", async () => {
    const td = { ...COMPARISON.td, privatePages: { "4K": 0, "2M": 0, "1G": 0 } };
    const text = await table({ ...COMPARISON, td });
    expect(text).toMatch(/^Private pages +none$/m);
    expect(text).toMatch(/per private page( +-){3}$/m);
  });

  test("no line ends in blanks and the text ends in one newline", async () => {
    const text = await table(COMPARISON);
    expect(text).not.toMatch(/ $/m);
    expect(text).toMatch(/[^\n]\n$/);
  });
});
