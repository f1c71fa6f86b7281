/** What a result is held against: `--expect`, `--baseline`, `--max-regression`. */
import type { Command } from "commander";
import {
  type Baseline,
  heldAgainst,
  type MaxRegression,
  NOTHING_ALLOWED,
} from "../lab/expect/baseline.ts";
import { earlierOf, parseBaseline, withBound } from "../lab/expect/baseline-file.ts";
import {
  checkExpectations,
  type Expectation,
  judge,
  type PlannedStrategy,
  withOutcomes,
} from "../lab/expect/expectation.ts";
import { parseExpectation } from "../lab/expect/parse.ts";
import { GENERATIONS } from "../lab/kernels.ts";
import type { Result } from "../lab/result.ts";
import { parseSweepBaseline } from "../lab/sweep/sweep-baseline.ts";
import { titleOf } from "../report/outcomes.ts";
import { Failure } from "../units/failure.ts";
import type { Console } from "./console.ts";
import { readInput } from "./input-file.ts";
import { listed, parsedOption } from "./parsed-option.ts";

export interface JudgementOptions {
  readonly expect?: readonly string[];
  readonly baseline?: string;
  readonly maxRegression?: MaxRegression;
}

/** Rows of thousands of points stay below this. */
const BASELINE_BYTES_MAX = 64 * 1024 * 1024;

export function addJudgementOptions(command: Command): void {
  command.optionsGroup("Expectations:");
  command.option(
    "--expect <expectation>",
    'fail unless it holds, for example "hint.end.pagesLeaked == 0"; may be repeated',
    listed,
  );
  command.option("--baseline <file>", "an earlier JSON result to hold this one against");
  command.addOption(
    parsedOption<MaxRegression>(
      "--max-regression <[metric=]percent>",
      "growth that a metric may have (default 0%); may be repeated",
      (text, earlier = NOTHING_ALLOWED) => withBound(earlier, text),
    ),
  );
}

/** Holds results against what the options ask. */
export interface Judgement {
  readonly expectations: readonly Expectation[];
  readonly baseline: Baseline | null;
  /** Makes sure, before the work, that expectations speak of strategies that will be run. */
  check(planned: readonly PlannedStrategy[]): void;
  /** The result with what became of the options' expectations after its own. */
  apply(result: Result, point?: number): Result;
}

/**
 * Reads expectations and baseline before the work.
 *
 * @throws Failure `usage` for an expectation that says nothing, `no-input` and `data` for the
 *   baseline
 */
export function readJudgement(options: JudgementOptions, read = readBaseline): Judgement {
  const kernels = [...GENERATIONS.keys()];
  const expectations = (options.expect ?? []).map((text): Expectation => {
    return { comparison: parseExpectation(text, kernels), level: "error" };
  });
  const { baseline: path, maxRegression = NOTHING_ALLOWED } = options;
  if (path === undefined && options.maxRegression !== undefined) {
    throw new Failure("usage", "--max-regression bounds a growth, but there is no --baseline");
  }
  const baseline = path === undefined ? null : read(path, maxRegression);
  return {
    expectations,
    baseline,
    check: (planned) => checkExpectations(expectations, planned),
    apply(result, point) {
      if (expectations.length === 0 && baseline === null) return result;
      const { strategies, comparison } = result;
      const outcomes = [
        ...(result.expectations ?? []),
        ...judge(expectations, strategies, comparison),
        ...(baseline === null ? [] : heldAgainst(result, baseline, point)),
      ];
      return withOutcomes(result, outcomes);
    },
  };
}

/** @throws Failure `no-input`, `io`, `data` */
export function readBaseline(path: string, bounds: MaxRegression): Baseline {
  const text = readInput(path, "a result", BASELINE_BYTES_MAX);
  return { earlier: earlierOf(parseBaseline(text, path)), bounds, origin: path, text };
}

/** As `readBaseline`, of a sweep. */
export function readSweepBaseline(path: string, bounds: MaxRegression): Baseline {
  const text = readInput(path, "the rows of a sweep", BASELINE_BYTES_MAX);
  const points = parseSweepBaseline(text, path);
  return { earlier: (_, point) => points.get(point ?? -1), bounds, origin: path, text };
}

/** As `verdictOf`; throws it. */
export function tellVerdict(console: Console, results: readonly Result[], checked?: number): void {
  const verdict = verdictOf(console, results, checked);
  if (verdict !== null) throw verdict;
}

/**
 * Tells every expectation that failed on stderr.
 *
 * @param checked how many there were, where `results` are only those in which some failed
 * @returns the Failure `expectation` when one of level error did
 */
export function verdictOf(
  console: Console,
  results: readonly Result[],
  checked = results.reduce((sum, { expectations }) => sum + (expectations?.length ?? 0), 0),
): Failure | null {
  const all = results.flatMap((result) =>
    (result.expectations ?? []).map((outcome) => ({ title: titleOf(result), ...outcome })),
  );
  const failed = all.filter(({ passed }) => !passed);
  for (const { title, expectation, detail, level } of failed) {
    const line = `${title}: ${expectation}: ${detail}`;
    if (level === "error") console.complain(`failed: ${line}`);
    else console.note(`warning: ${line}`);
  }
  const errors = failed.filter(({ level }) => level === "error").length;
  if (errors === 0) return null;
  return new Failure("expectation", `${errors} of ${checked} expectations failed`);
}
