import { expect, test } from "vitest";
import { PATIENCE, runs } from "../support/sample.ts";
import { tally } from "../support/totals.ts";
import { Search } from "./small-scope.ts";

test(
  "every state of two TDs that can be reached is sound",
  () => {
    const scope = { tds: 2, vcpus: 1, dataPages: 1, isBuiltAtOnce: true };
    const states = runs(300, 150_000);
    const result = new Search(scope, { states, twinEvery: 500 }).run();
    const { transitions, isExhaustive } = result;
    console.info(`search: ${result.states} states of two TDs, ${transitions} moves`);
    tally("E7", result.states, "states of two TDs searched");
    expect(isExhaustive || result.states >= states).toBe(true);
    expect(result.deadEnds).toBe(0);
  },
  PATIENCE,
);
