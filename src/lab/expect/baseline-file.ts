/** What a baseline is read from: the file of an earlier run, and how much may have grown since. */
import { Failure } from "../../units/failure.ts";
import { parseJson } from "../../units/json.ts";
import { didYouMean } from "../../units/nearest.ts";
import type { Result } from "../result.ts";
import { type Baseline, isMetric, type MaxRegression, METRIC_NAMES } from "./baseline.ts";

/**
 * The results of an earlier run: one, or those of several scenarios.
 *
 * @param text JSON of `tdx-sim/result/v1` or `tdx-sim/run/v1`
 * @throws Failure `data`
 */
export function parseBaseline(text: string, path: string): Result[] {
  const document = parseJson(text, path);
  const { schema, results } = (document ?? {}) as { schema?: unknown; results?: unknown };
  const found = schema === "tdx-sim/run/v1" && Array.isArray(results) ? results : [document];
  for (const result of found) if (!isResult(result)) throw noResult(path);
  return found as Result[];
}

/** The only result there is, or the one of the same scenario. */
export function earlierOf(results: readonly Result[]): Baseline["earlier"] {
  const [only, ...others] = results;
  if (others.length === 0) return () => only;
  return (result) => results.find(({ scenario }) => scenario?.name === result.scenario?.name);
}

/** Whether everything that a comparison reads is there, whatever else the file holds. */
export function isResult(value: unknown): boolean {
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
      schema === "tdx-sim/result/v1" &&
      counts &&
      parts.every((part) => typeof part === "object" && part !== null)
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

/**
 * A bound more: `2%` for every metric, `seamcalls=0%` for those whose path begins so.
 *
 * @throws Failure `usage`
 */
export function withBound({ any, byMetric }: MaxRegression, text: string): MaxRegression {
  const [, metric, digits] = /^(?:([A-Za-z.]+)=)?(\d{1,9}(?:\.\d{1,9})?)%$/.exec(text) ?? [];
  if (digits === undefined) {
    throw new Failure("usage", `${JSON.stringify(text)} is not a percentage`, {
      hint: "for example 2% or seamcalls.total=0%",
    });
  }
  const share = Number(digits) / 100;
  if (metric === undefined) return { any: share, byMetric };
  if (isMetric(metric)) return { any, byMetric: new Map([...byMetric, [metric, share]]) };
  throw new Failure("usage", `there is no metric ${JSON.stringify(metric)}`, {
    hint: didYouMean(metric, METRIC_NAMES, `metrics are ${METRIC_NAMES.join(", ")}`),
  });
}

/** The texts that `withBound` reads as these bounds. */
export function boundTexts({ any, byMetric }: MaxRegression): string[] {
  const percent = (share: number): string =>
    `${(share * 100).toFixed(9).replace(/\.?0{1,9}$/, "")}%`;
  return [percent(any), ...[...byMetric].map(([metric, share]) => `${metric}=${percent(share)}`)];
}
