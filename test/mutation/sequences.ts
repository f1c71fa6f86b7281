import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { replay } from "../../src/lab/replay/replay.ts";
import { vectorFile } from "../support/vectors.ts";

/** All of them take 7 s, which every mutant that survives would cost. */
const EVERY = 8;

/**
 * Every eighth of the recorded sequences as a test of its own, for `npm run mutate`: a mutant then
 * meets only those that reach it. The whole file is one test in test/conformance.
 */
const sequences = gunzipSync(readFileSync(vectorFile("seamcall-vectors")))
  .toString()
  .split("\n")
  .filter((line, index) => line !== "" && index % EVERY === 0);

describe("Intel's module code and the emulator answer alike", () => {
  test.each(sequences)("in a recorded sequence", async (sequence) => {
    const result = await replay([Buffer.from(`${sequence}\n`)], { name: "sequence" });
    expect(result.first).toEqual([]);
    expect(result.sequences).toBe(1);
  });
});
