import { expect, test } from "vitest";
import { PATIENCE, runs } from "../support/sample.ts";
import { search } from "./small-scope.ts";

/** One TD: the first scope is searched whole in the nightly run, the second as far as it says. */
const SCOPES = [
  { tds: 1, vcpus: 1, dataPages: 1, states: runs(1500, 200_000) },
  { tds: 1, vcpus: 2, dataPages: 2, states: runs(300, 100_000) },
  { tds: 2, vcpus: 1, dataPages: 1, states: runs(300, 100_000) },
];

test.each(SCOPES)(
  "every state of $tds TDs, $vcpus vCPUs and $dataPages pages each is sound",
  (scope) => {
    const { states, transitions, isExhaustive, deadEnds, pairs } = search(scope);
    const extent = isExhaustive ? "all there are" : "as far as it was let";
    console.info(
      `search: ${states} states, ${extent}; ${transitions} SEAMCALLs, ${pairs.size} answers`,
    );
    expect(states).toBeGreaterThanOrEqual(Math.min(scope.states, 8000));
    // I-14, where all states are known.
    expect(deadEnds).toBe(0);
  },
  PATIENCE,
);
