/** What a result is held against: `--expect`, `--baseline`, `--max-regression`. */
import { type Command, Option } from "commander";
import {
  compareWithBaseline,
  isMetric,
  type MaxRegression,
  METRIC_NAMES,
} from "../lab/expect/baseline.ts";
import {
  checkExpectations,
  type Expectation,
  judge,
  type PlannedStrategy,
} from "../lab/expect/expectation.ts";
import { parseExpectation } from "../lab/expect/parse.ts";
import { GENERATIONS } from "../lab/kernels.ts";
import type { ExpectationResult, Result } from "../lab/result.ts";
import { titleOf } from "../report/outcomes.ts";
import { Failure } from "../units/failure.ts";
import { nearest } from "../units/nearest.ts";
import type { Console } from "./console.ts";
import { readJsonFile } from "./input-file.ts";
import { named } from "./td-options.ts";

export interface JudgementOptions {
  readonly expect?: readonly string[];
  readonly baseline?: string;
  readonly maxRegression?: MaxRegression;
}

/** Results of thousands of strategies stay below this. */
const BASELINE_BYTES_MAX = 16 * 1024 * 1024;
const NOTHING_ALLOWED: MaxRegression = { any: 0, byMetric: new Map() };

export function addJudgementOptions(command: Command): void {
  command.optionsGroup("Expectations:");
  command.option(
    "--expect <expectation>",
    'fail unless it holds, for example "hint.end.pagesLeaked == 0"; may be repeated',
    (text, earlier?: readonly string[]) => [...(earlier ?? []), text],
  );
  command.option("--baseline <file>", "an earlier JSON result to hold this one against");
  const flags = "--max-regression <[metric=]percent>";
  command.addOption(
    new Option(flags, "growth that a metric may have (default 0%); may be repeated").argParser(
      (text: string, earlier?: MaxRegression) =>
        named(flags, (each) => withBound(earlier ?? NOTHING_ALLOWED, each))(text),
    ),
  );
}

function withBound({ any, byMetric }: MaxRegression, text: string): MaxRegression {
  const [, metric, digits] = /^(?:([A-Za-z.]+)=)?(\d{1,9}(?:\.\d{1,9})?)%$/.exec(text) ?? [];
  if (digits === undefined) {
    throw new Failure("usage", `${JSON.stringify(text)} is not a percentage`, {
      hint: "for example 2% or seamcalls.total=0%",
    });
  }
  const share = Number(digits) / 100;
  if (metric === undefined) return { any: share, byMetric };
  if (isMetric(metric)) return { any, byMetric: new Map([...byMetric, [metric, share]]) };
  const near = nearest(metric, METRIC_NAMES);
  throw new Failure("usage", `there is no metric ${JSON.stringify(metric)}`, {
    hint: near === undefined ? `metrics are ${METRIC_NAMES.join(", ")}` : `did you mean ${near}?`,
  });
}

/** Holds results against what the options ask. */
export interface Judgement {
  readonly expectations: readonly Expectation[];
  /** Makes sure, before the work, that expectations speak of strategies that will be run. */
  check(planned: readonly PlannedStrategy[]): void;
  /** The result with what became of the options' expectations after its own. */
  apply(result: Result): Result;
}

/**
 * Reads expectations and baseline before the work.
 *
 * @throws Failure `usage` for an expectation that says nothing, `no-input` and `data` for the
 *   baseline
 */
export function readJudgement(options: JudgementOptions): Judgement {
  const kernels = [...GENERATIONS.keys()];
  const expectations = (options.expect ?? []).map((text): Expectation => {
    return { comparison: parseExpectation(text, kernels), level: "error" };
  });
  const { baseline: path, maxRegression = NOTHING_ALLOWED } = options;
  if (path === undefined && options.maxRegression !== undefined) {
    throw new Failure("usage", "--max-regression bounds a growth, but there is no --baseline");
  }
  const baselines = path === undefined ? null : readBaselines(path);
  return {
    expectations,
    check: (planned) => checkExpectations(expectations, planned),
    apply(result) {
      const { strategies, comparison } = result;
      const outcomes = [
        ...(result.expectations ?? []),
        ...judge(expectations, strategies, comparison),
        ...(baselines === null ? [] : held(result, baselines, maxRegression, path ?? "")),
      ];
      return outcomes.length === 0 ? result : { ...result, expectations: outcomes };
    },
  };
}

function held(
  result: Result,
  baselines: readonly Result[],
  bounds: MaxRegression,
  path: string,
): ExpectationResult[] {
  const [only, ...others] = baselines;
  const same = baselines.find(({ scenario }) => scenario?.name === result.scenario?.name);
  const baseline = others.length === 0 ? only : same;
  if (baseline === undefined) {
    throw new Failure("data", `${path} has no result of ${titleOf(result)}`);
  }
  return compareWithBaseline(result, baseline, bounds, path);
}

/** The results of an earlier run: one, or those of several scenarios. */
function readBaselines(path: string): Result[] {
  const document = readJsonFile(path, "a result", BASELINE_BYTES_MAX);
  const { schema, results } = (document ?? {}) as { schema?: unknown; results?: unknown };
  const found = schema === "tdx-sim/run/v1" && Array.isArray(results) ? results : [document];
  for (const result of found) if (!isResult(result)) throw noResult(path);
  return found as Result[];
}

/** Whether everything that a comparison reads is there, whatever else the file holds. */
function isResult(value: unknown): boolean {
  try {
    const { schema, strategies, td, platform, profile } = value as Result;
    const counts = strategies.every(
      ({ strategy, kernel, seamcalls, hostWork, elapsedNs, milestones, end }) =>
        [strategy, kernel].every((name) => typeof name === "string") &&
        [
          seamcalls.total,
          hostWork.pagesCleared,
          hostWork.ipis,
          hostWork.vcpuKicks,
          elapsedNs.mid,
          elapsedNs.high,
          milestones.hkidFree.mid,
          milestones.memoryFree.mid,
          milestones.mmuLockWriteHeld.mid,
          end.pagesLeaked,
        ].every(Number.isFinite),
    );
    const parts = [td, td.privatePages, platform, profile];
    return (
      schema === "tdx-sim/result/v1" && counts && parts.every((part) => typeof part === "object")
    );
  } catch {
    return false;
  }
}

function noResult(path: string): Failure {
  return new Failure("data", `${path} is not a result of tdx-sim`, {
    hint: "a baseline is what --format json printed",
  });
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
