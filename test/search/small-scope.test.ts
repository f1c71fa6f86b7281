import { expect, test } from "vitest";
import { PATIENCE, runs } from "../support/sample.ts";
import { search } from "./small-scope.ts";

test(
  "every state that a host of few things can reach is sound",
  () => {
    const scope = { tds: 1, vcpus: 1, dataPages: 1, states: runs(2500, 200_000) };
    const { states, transitions, isExhaustive, deadEnds, pairs } = search(scope);
    const extent = isExhaustive ? "all there are" : "as far as it was let";
    console.info(
      `search: ${states} states, ${extent}; ${transitions} SEAMCALLs, ${pairs.size} answers`,
    );
    expect(states).toBeGreaterThan(500);
    // I-14, where all states are known.
    expect(deadEnds).toBe(0);
  },
  PATIENCE,
);
