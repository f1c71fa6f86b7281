import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { alignColumns, wrapText } from "../../src/report/layout.ts";

describe("alignColumns", () => {
  test("pads to the widest cell, numbers right, without blanks at the end", () => {
    const rows = [
      ["leaf", "calls", "note"],
      ["TDH.VP.FLUSH", "4", ""],
    ];
    expect(alignColumns(rows, { aligns: ["left", "right"], indent: 1 })).toEqual([
      " leaf          calls  note",
      " TDH.VP.FLUSH      4",
    ]);
  });

  test("a style changes no width", () => {
    const shout = (text: string): string => `<b>${text}</b>`;
    const palette = { plain: String, strong: shout, faint: String, good: String };
    const rows = [
      [{ text: "a", style: "strong" } as const, "b"],
      ["long", "c"],
    ];
    expect(alignColumns(rows, { aligns: [], palette })).toEqual(["<b>a</b>     b", "long  c"]);
  });
});

describe("wrapText", () => {
  const words = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1, maxLength: 30 });

  test("loses and reorders no word and keeps to the width", () => {
    fc.assert(
      fc.property(words, fc.integer({ min: 14, max: 80 }), (text, width) => {
        const lines = wrapText(text.join(" "), width, "- ");
        expect(lines.map((line) => line.slice(2)).join(" ")).toBe(text.join(" "));
        expect(lines.map((line) => line.slice(0, 2))).toEqual([
          "- ",
          ...lines.slice(1).map(() => "  "),
        ]);
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
      }),
    );
  });

  test("a word longer than the width stays whole", () => {
    expect(wrapText("see https://example.org/a/long/path now", 10)).toEqual([
      "see",
      "https://example.org/a/long/path",
      "now",
    ]);
  });
});
