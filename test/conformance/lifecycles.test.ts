import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { parseSequence } from "../../src/lab/replay/parse-sequence.ts";
import { SequenceRun } from "../../src/lab/replay/run-sequence.ts";
import type { Sequence } from "../../src/lab/replay/sequence.ts";
import { CallChecker } from "../support/call-checker.ts";
import { vectorFile } from "../support/vectors.ts";

/** Leaves that change the tree of a TD that lives on: no teardown of KVM v16 calls them. */
const RESTRUCTURING = ["TDH.MEM.PAGE.PROMOTE", "TDH.MEM.PAGE.DEMOTE", "TDH.MEM.SEPT.REMOVE"];

/** The lifecycles that come with the project, with their recorded end states. */
const LIFECYCLES = new Map(
  gunzipSync(readFileSync(vectorFile("lifecycles")))
    .toString("utf8")
    .trim()
    .split("\n")
    .map((line) => parseSequence(JSON.parse(line)))
    .map((sequence) => [sequence.id, sequence]),
);

function leavesOf({ steps }: Sequence): string[] {
  return steps.flatMap((step) => (step.op === "seamcall" ? [step.leaf] : []));
}

function lifecycle(id: string): Sequence {
  return LIFECYCLES.get(id) ?? expect.unreachable(`there is no lifecycle ${id}`);
}

/** Same statuses and registers step by step, same end state, and no invariant broken on the way. */
function expectSameLife(id: string): void {
  const sequence = lifecycle(id);
  expect(sequence.final).not.toBeNull();
  const { steps, mismatches } = new SequenceRun(
    sequence,
    new Map(),
    new CallChecker().observe,
  ).run();
  expect(mismatches).toEqual([]);
  expect(steps).toBe(sequence.steps.length);
}

describe("a whole life of a TD answers as Intel's module code did, and ends as it ended", () => {
  test.each([
    "minimal-reclaim",
    "two-package-reclaim",
    "four-package-reclaim-2m",
    "three-package-partial",
    "no-vcpu-unfinalized-reclaim",
  ])("%s, with the leaves of KVM v16 only", (id) => {
    expect(leavesOf(lifecycle(id)).filter((leaf) => RESTRUCTURING.includes(leaf))).toEqual([]);
    expectSameLife(id);
  });

  test.each([
    "minimal-remove",
    "two-package-remove-2m",
    "demote-promote",
    "five-level-remove",
    "never-finalized",
  ])("%s, which takes its Secure EPT apart", (id) => {
    expectSameLife(id);
  });

  test("no lifecycle is left out", () => {
    expect(LIFECYCLES.size).toBe(10);
  });
});
