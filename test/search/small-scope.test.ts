import { describe, expect, test } from "vitest";
import { PATIENCE, runs } from "../support/sample.ts";
import { tally } from "../support/totals.ts";
import { surprises } from "./answers.ts";
import type { Scope } from "./places.ts";
import { Search, type SearchResult } from "./small-scope.ts";

const ONE: Scope = { tds: 1, vcpus: 1, dataPages: 1, isBuiltAtOnce: false };
const MORE: readonly Scope[] = [
  { ...ONE, vcpus: 2 },
  { ...ONE, dataPages: 2 },
  { ...ONE, vcpus: 2, dataPages: 2 },
];
const TWO: Scope = { ...ONE, tds: 2, isBuiltAtOnce: true };

const done = new Map<Scope, SearchResult>();

/** The search of a scope, made once. */
function searched(scope: Scope, states: number): SearchResult {
  const known = done.get(scope);
  if (known !== undefined) return known;
  const result = new Search(scope, { states, twinEvery: 100 }).run();
  const extent = result.isExhaustive ? "all there are" : "as far as it was let";
  const { transitions, twins, answers } = result;
  console.info(
    `search: ${scope.tds} TDs, ${scope.vcpus} vCPUs, ${scope.dataPages} pages: ` +
      `${result.states} states, ${extent}; ${transitions} moves, ${answers.size} answers, ` +
      `${twins} states looked at in another shape`,
  );
  tally("E7", result.states, "states searched");
  tally("E7", transitions, "moves made in them");
  done.set(scope, result);
  return result;
}

describe("every state that can be reached is sound, and leads back to an empty platform", () => {
  test(
    "of one TD with one vCPU and one page, the search being whole",
    () => {
      const { isExhaustive, deadEnds, states, twins } = searched(ONE, Number.POSITIVE_INFINITY);
      expect({ isExhaustive, deadEnds, states }).toEqual({
        isExhaustive: true,
        deadEnds: 0,
        states: 1250,
      });
      expect(twins).toBeGreaterThan(20);
    },
    PATIENCE,
  );

  test.each(MORE)(
    "of one TD with $vcpus vCPUs and $dataPages pages, the search being whole at night",
    (scope) => {
      const { isExhaustive, deadEnds } = searched(scope, runs(100, Number.POSITIVE_INFINITY));
      expect({ isExhaustive, deadEnds }).toEqual({ isExhaustive: runs(0, 1) === 1, deadEnds: 0 });
    },
    PATIENCE,
  );
});

test(
  "every status is answered in the lifecycles listed for it; at night, all that can be are",
  () => {
    searched(ONE, Number.POSITIVE_INFINITY);
    searched(TWO, runs(600, 20_000));
    const answers = [...done.values()].flatMap((result) => [...result.answers]);
    expect(surprises(new Set(answers), runs(0, 1) === 1)).toEqual([]);
  },
  PATIENCE,
);
