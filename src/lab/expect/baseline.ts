import { Failure } from "../../units/failure.ts";
import type { ExpectationResult, Result, StrategyResult } from "../result.ts";

/** How much a metric may grow; 0.02 is 2 %. */
export interface MaxRegression {
  /** Of every metric that has no bound of its own. */
  readonly any: number;
  /** By the beginning of a metric's path: `seamcalls`, `elapsedNs.high`. */
  readonly byMetric: ReadonlyMap<string, number>;
}

export const NOTHING_ALLOWED: MaxRegression = { any: 0, byMetric: new Map() };

/** An earlier run to hold a result against. */
export interface Baseline {
  /** The earlier run of a result; undefined where there was none. Points are those of a sweep. */
  readonly earlier: (result: Result, point?: number) => Result | undefined;
  readonly bounds: MaxRegression;
  /** Its name for messages. */
  readonly origin: string;
  /** Its file as it was read. */
  readonly text: string;
}

/**
 * Every metric of a result against the run of the baseline that it belongs to.
 *
 * @throws Failure `data` when the baseline has none, or one of another configuration
 */
export function heldAgainst(
  result: Result,
  { earlier, bounds, origin }: Baseline,
  point?: number,
): ExpectationResult[] {
  const baseline = earlier(result, point);
  if (baseline === undefined) {
    const run = result.scenario?.name ?? result.td.name ?? result.command;
    const title = point === undefined ? run : `point ${point}`;
    throw new Failure("data", `${origin} has no result of ${title}`);
  }
  return compareWithBaseline(result, baseline, bounds, origin);
}

type Reader = (entry: StrategyResult) => number;

/** What is held against a baseline; less is better in all of them. */
const METRICS: Readonly<Record<string, Reader>> = {
  "seamcalls.total": ({ seamcalls }) => seamcalls.total,
  "hostWork.pagesCleared": ({ hostWork }) => hostWork.pagesCleared,
  "hostWork.ipis": ({ hostWork }) => hostWork.ipis,
  "hostWork.vcpuKicks": ({ hostWork }) => hostWork.vcpuKicks,
  "elapsedNs.mid": ({ elapsedNs }) => elapsedNs.mid,
  "elapsedNs.high": ({ elapsedNs }) => elapsedNs.high,
  "milestones.hkidFree.mid": ({ milestones }) => milestones.hkidFree.mid,
  "milestones.memoryFree.mid": ({ milestones }) => milestones.memoryFree.mid,
  "milestones.mmuLockWriteHeld.mid": ({ milestones }) => milestones.mmuLockWriteHeld.mid,
  "end.pagesLeaked": ({ end }) => end.pagesLeaked,
};

export const METRIC_NAMES = Object.keys(METRICS);

/** Whether a bound of this name bounds any metric. */
export function isMetric(name: string): boolean {
  return METRIC_NAMES.some((metric) => metric === name || metric.startsWith(`${name}.`));
}

/**
 * Every metric of every strategy that the baseline has too, in the order of the result.
 *
 * @param origin the baseline's name for messages
 * @throws Failure `data` that names what differs when the baseline is of another configuration
 */
export function compareWithBaseline(
  result: Result,
  baseline: Result,
  bounds: MaxRegression,
  origin: string,
): ExpectationResult[] {
  refuseOther(result, baseline, origin);
  const pairs = result.strategies.flatMap((entry) => {
    const before = baseline.strategies.find(
      ({ strategy, kernel }) => strategy === entry.strategy && kernel === entry.kernel,
    );
    return before === undefined ? [] : [{ entry, before }];
  });
  if (pairs.length === 0) throw new Failure("data", `${origin} has no strategy of this run`);
  return pairs.flatMap(({ entry, before }) =>
    Object.entries(METRICS).map(([metric, read]) => {
      const name = `${entry.strategy}@${entry.kernel}.${metric}`;
      return metricHeld(name, read(entry), read(before), boundOf(metric, bounds));
    }),
  );
}

function boundOf(metric: string, { any, byMetric }: MaxRegression): number {
  const named = [...byMetric.keys()].filter(
    (name) => metric === name || metric.startsWith(`${name}.`),
  );
  const [closest] = named.toSorted((a, b) => b.length - a.length);
  return closest === undefined ? any : (byMetric.get(closest) ?? any);
}

function metricHeld(name: string, now: number, before: number, most: number): ExpectationResult {
  // Multiplied out, so that a baseline of 0 needs no case of its own.
  const passed = now <= before || now - before <= before * most;
  return {
    kind: "baseline",
    expectation: name,
    level: "error",
    passed,
    left: now,
    right: before,
    detail: `${before} before, ${now} now${growth(now, before)}; ${percent(most)} allowed`,
  };
}

function growth(now: number, before: number): string {
  if (now === before) return "";
  if (before === 0) return " (from nothing)";
  const share = (now - before) / before;
  return ` (${share > 0 ? "+" : ""}${percent(share)})`;
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(4))} %`;
}

/** What makes two results incomparable, by its path in the result. */
function configuration({ td, platform, profile, module, seed }: Result): Record<string, unknown> {
  return {
    "td.memoryBytes": td.memoryBytes,
    "td.vcpus": td.vcpus,
    "td.pageSize": td.pageSize,
    "td.septLevels": td.septLevels,
    'td.privatePages["4K"]': td.privatePages["4K"],
    'td.privatePages["2M"]': td.privatePages["2M"],
    "td.septPages": td.septPages,
    "td.finalized": td.finalized,
    "platform.packages": platform.packages,
    "platform.lps": platform.lps,
    "platform.hkids": platform.hkids,
    "profile.name": profile.name,
    "profile.sha256": profile.sha256,
    module,
    seed,
  };
}

/** A file's own value, which may be an object whose `toString` is no function. */
function spoken(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function refuseOther(result: Result, baseline: Result, origin: string): void {
  const before = configuration(baseline);
  const differing = Object.entries(configuration(result)).flatMap(([name, now]) =>
    before[name] === now
      ? []
      : [`${name} is ${spoken(before[name])} there and ${spoken(now)} here`],
  );
  if (differing.length === 0) return;
  throw new Failure("data", `${origin} is of another configuration: ${differing.join("; ")}`, {
    hint: "make the baseline again with the same options",
  });
}
