import { describe, expect, test } from "vitest";
import type { ReplayResult } from "../../src/lab/replay/replay.ts";
import { CallChecker } from "../support/call-checker.ts";
import { tally } from "../support/totals.ts";
import { replayFixture } from "../support/vectors.ts";

/** Every answer of the emulator was a SEAMCALL or an ACCEPT, and was counted once (I-11). */
function countedCalls({ pairs }: ReplayResult): number {
  return Object.entries(pairs)
    .filter(([leaf]) => !leaf.startsWith("TDG."))
    .flatMap(([, statuses]) => Object.values(statuses))
    .reduce((sum, count) => sum + count, 0);
}

describe("Intel's module code and the emulator answer alike, and no invariant breaks", () => {
  test("in the 401 public sequences", async () => {
    const result = await replayFixture("seamcall-vectors", { observer: new CallChecker().observe });
    tally("E10", result.steps, "recorded steps");
    expect(result.first).toEqual([]);
    expect(result).toMatchObject({ sequences: 401, steps: 31640, mismatches: 0 });
    expect(countedCalls(result)).toBe(result.seamcalls);
  }, 60_000);

  test("in the ten lifecycles", async () => {
    const result = await replayFixture("lifecycles", { observer: new CallChecker().observe });
    tally("E10", result.steps, "recorded steps");
    expect(result.first).toEqual([]);
    expect(result).toMatchObject({ sequences: 10, steps: 4793, mismatches: 0 });
    expect(countedCalls(result)).toBe(result.seamcalls);
  }, 60_000);
});
