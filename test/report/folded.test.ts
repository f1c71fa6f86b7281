import { describe, expect, test } from "vitest";
import { draw } from "../../src/report/drawings/folded.ts";
import { COMPARISON, TROUBLED } from "./example-result.ts";

describe("folded stacks", () => {
  test("of one strategy are phase;leaf count", () => {
    expect(draw(TROUBLED).split("\n").slice(0, 5)).toEqual([
      "release-hkid;TDH.VP.FLUSH 4",
      "release-hkid;TDH.MNG.VPFLUSHDONE 1",
      "release-hkid;TDH.PHYMEM.CACHE.WB 1",
      "release-hkid;TDH.MNG.KEY.FREEID 1",
      "reclaim-private;TDH.PHYMEM.PAGE.RECLAIM 4194304",
    ]);
  });

  test("of several have the strategy below, and add up to its SEAMCALLs", () => {
    const sums = new Map<string, number>();
    for (const line of draw(COMPARISON).trimEnd().split("\n")) {
      const [, root = "", count = ""] = /^([^;]+);[^;]+;\S+ (\d+)$/.exec(line) ?? [];
      sums.set(root, (sums.get(root) ?? 0) + Number(count));
    }
    const totals = COMPARISON.strategies.map((each) => [each.strategy, each.seamcalls.total]);
    expect([...sums]).toEqual(totals);
  });
});
