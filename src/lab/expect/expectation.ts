import type { ComparisonEntry, ExpectationResult, Result, StrategyResult } from "../result.ts";
import { emptyEntry, entryOf } from "./entry.ts";
import { evaluate } from "./evaluate.ts";
import type { Comparison } from "./expression.ts";

export const LEVELS = ["warn", "error"] as const;
/** A failed `warn` is told, a failed `error` fails the run. */
export type Level = (typeof LEVELS)[number];

export interface Expectation {
  readonly comparison: Comparison;
  readonly level: Level;
}

/** A strategy that will be run. */
export interface PlannedStrategy {
  readonly strategy: string;
  readonly kernel: string;
}

/**
 * Makes sure that expectations speak of what will be there, before the work.
 *
 * @throws Failure `usage` for the first that does not
 */
export function checkExpectations(
  expectations: readonly Expectation[],
  planned: readonly PlannedStrategy[],
): void {
  const entries = planned.map(({ strategy, kernel }) => emptyEntry(strategy, kernel));
  for (const { comparison } of expectations) evaluate(comparison, entries);
}

/** What became of the expectations, in their order. */
export function judge(
  expectations: readonly Expectation[],
  strategies: readonly StrategyResult[],
  comparison: readonly ComparisonEntry[],
): ExpectationResult[] {
  const entries = strategies.map((strategy) => entryOf(strategy, comparison));
  return expectations.map(({ comparison: expected, level }) => {
    const { passed, left, right, detail } = evaluate(expected, entries);
    return {
      kind: "expectation",
      expectation: expected.text,
      level,
      passed,
      left: finite(left),
      right: finite(right),
      detail,
    };
  });
}

/** A result with what became of all that was expected of it. */
export function withOutcomes(
  { expectations: _, warnings, ...result }: Result,
  outcomes: readonly ExpectationResult[],
): Result {
  return { ...result, ...(outcomes.length > 0 && { expectations: outcomes }), warnings };
}

/** JSON has neither NaN nor Infinity, which division by 0 gives. */
function finite<T>(value: T): T | null {
  return typeof value === "number" && !Number.isFinite(value) ? null : value;
}
