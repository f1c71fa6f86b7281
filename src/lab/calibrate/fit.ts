import type { Driver } from "./drivers.ts";
import {
  combination,
  independentColumns,
  type Problem,
  type Solution,
  solveNonNegative,
} from "./least-squares.ts";
import { type Scatter, scatterOf } from "./noise.ts";
import type { Observation, ObservationSet } from "./observations.ts";

/** A price that the rows bear. */
export interface FittedPrice {
  readonly driver: Driver;
  /** Nanoseconds for one. */
  readonly value: number;
  /** Nanoseconds, an upper estimate: what few rows cannot tell is taken for the worse. */
  readonly standardError: number;
  /** Drivers whose cost is in this price, since they go with it in every row. */
  readonly contains: readonly string[];
}

/** A driver without a price of its own, and why. */
export interface Untold {
  readonly driver: string;
  readonly reason: "confounded" | "noise";
  /** Drivers that add up to it in every row; or that it was counted with, and may hide in. */
  readonly with: readonly string[];
}

/** What rows of measurements say of prices. */
export interface PriceFit {
  readonly prices: readonly FittedPrice[];
  readonly untold: readonly Untold[];
  readonly scatter: readonly Scatter[];
  /** How many counts are independent of each other in the rows. */
  readonly rank: number;
  /** The rows that were fitted. */
  readonly used: readonly Observation[];
  /** Rows that are the only ones of their family: one row cannot tell its own error. */
  readonly alone: readonly Observation[];
  /** Families whose rows contradict each other so far that they bear no price at all. */
  readonly contradictory: readonly Scatter[];
}

/** Standard errors that the main price of a family must be above nothing, else it is none. */
const MAIN_BORNE = 1.5;
/** The same for every further price, with the upper estimate of its error. */
const FURTHER_BORNE = 2;
/** Rows that a family must have to spare: with fewer, its prices only copy its rows. */
const SPARE_MIN = 0.75;
/** Share of a count below which another count is no part of it. */
const PART_MIN = 0.01;
const NS_PER_S = 1e9;

interface Frame {
  readonly problem: Problem;
  readonly families: readonly string[];
  readonly drivers: readonly Driver[];
  /** Columns no earlier ones add up to. */
  readonly independent: readonly number[];
}

/** A solution with the scatter around it and the standard errors of its values. */
interface Trial {
  readonly solution: Solution;
  readonly scatter: readonly Scatter[];
  readonly errors: readonly number[];
  /** Upper estimates of `errors`. */
  readonly errorsMax: readonly number[];
}

/** Unlike Math.hypot the same to the last bit in every engine. */
function rootSum(parts: readonly number[]): number {
  return Math.sqrt(parts.reduce((sum, part) => sum + part * part, 0));
}

/**
 * Fits as many prices as the rows bear: relative errors by weight, none below nothing. Each family
 * of rows has a main price; further ones are added while they are certain to be something.
 */
export async function fitPrices(set: ObservationSet): Promise<PriceFit> {
  const families = set.observations.map(({ family }) => family);
  const isAlone = ({ family }: Observation): boolean =>
    families.filter((name) => name === family).length < 2;
  const contradictory: Scatter[] = [];
  let used = set.observations.filter((observation) => !isAlone(observation));
  for (;;) {
    const frame = frameOf(used, set.drivers);
    const main = await attempt(frame, mainColumns(frame, used));
    const doubtful = doubtfulFamilies(frame, used, main);
    if (doubtful.length === 0) {
      const kept = await addFurther(frame, main);
      return {
        prices: await pricesOf(frame, kept),
        untold: await untoldOf(frame, kept.solution.columns),
        scatter: kept.scatter,
        rank: frame.independent.length,
        used,
        alone: set.observations.filter(isAlone),
        contradictory,
      };
    }
    contradictory.push(...main.scatter.filter(({ family }) => doubtful.includes(family)));
    used = used.filter(({ family }) => !doubtful.includes(family));
  }
}

function frameOf(used: readonly Observation[], drivers: readonly Driver[]): Frame {
  const seen = drivers.filter(({ name }) => used.some(({ counts }) => counts.has(name)));
  const weights = used.map(({ row }) => Math.sqrt(row.weight));
  const x = used.map(({ counts, row }, index) =>
    seen.map(({ name }) => {
      const perNanosecond = (counts.get(name) ?? 0) / (row.seconds * NS_PER_S);
      return perNanosecond * (weights[index] ?? 1);
    }),
  );
  const problem = { x, y: weights };
  const families = used.map(({ family }) => family);
  const independent = independentColumns(problem, [...seen.keys()]);
  return { problem, families, drivers: seen, independent };
}

function mainColumns({ drivers, independent }: Frame, used: readonly Observation[]): number[] {
  const names = new Set(used.map(({ main }) => main));
  return independent.filter((column) => names.has(drivers[column]?.name ?? ""));
}

async function attempt(frame: Frame, columns: readonly number[]): Promise<Trial> {
  const { problem, families } = frame;
  const solution =
    columns.length === 0 ? nothing(problem) : await solveNonNegative(problem, columns);
  const scatter = await scatterOf(families, solution);
  const errors = (which: "share" | "shareMax"): number[] => {
    const shares = new Map(scatter.map((each) => [each.family, each[which]]));
    return solution.sensitivity.map((row) =>
      rootSum(row.map((value, r) => value * (shares.get(families[r] ?? "") ?? 0))),
    );
  };
  return { solution, scatter, errors: errors("share"), errorsMax: errors("shareMax") };
}

function nothing({ y }: Problem): Solution {
  const leverages = y.map(() => 0);
  return { columns: [], values: [], residuals: y, leverages, sensitivity: [] };
}

/** Families whose main price could as well be nothing, for all that their rows agree on. */
function doubtfulFamilies(
  { drivers }: Frame,
  used: readonly Observation[],
  { solution, errors }: Trial,
): string[] {
  const certain = solution.columns.flatMap((column, c) => {
    const isBorne = (solution.values[c] ?? 0) >= MAIN_BORNE * (errors[c] ?? 0);
    return isBorne ? (drivers[column]?.name ?? []) : [];
  });
  const doubtful = used.filter(({ main }) => !certain.includes(main));
  return [...new Set(doubtful.map(({ family }) => family))];
}

/** Adds the price that is surest to be something, until no further one is sure. */
async function addFurther(frame: Frame, main: Trial): Promise<Trial> {
  let kept = main;
  for (;;) {
    let best: { readonly trial: Trial; readonly certainty: number } | undefined;
    for (const column of frame.independent) {
      if (kept.solution.columns.includes(column)) continue;
      const columns = [...kept.solution.columns, column].sort((a, b) => a - b);
      const trial = await attempt(frame, columns);
      if (!isSound(trial)) continue;
      const c = columns.indexOf(column);
      const certainty = (trial.solution.values[c] ?? 0) / (trial.errorsMax[c] ?? 1);
      if (certainty >= FURTHER_BORNE && certainty > (best?.certainty ?? 0)) {
        best = { trial, certainty };
      }
    }
    if (best === undefined) return kept;
    kept = best.trial;
  }
}

function isSound({ solution, scatter, errors }: Trial): boolean {
  return (
    scatter.every(({ spare }) => spare >= SPARE_MIN) &&
    solution.values.every((value, c) => value >= MAIN_BORNE * (errors[c] ?? 0))
  );
}

async function pricesOf(frame: Frame, kept: Trial): Promise<FittedPrice[]> {
  const { solution, errorsMax } = kept;
  const contained = await confoundedIn(frame);
  const all = await attempt(frame, frame.independent);
  const spare = all.scatter.every((each) => each.spare >= SPARE_MIN);
  return solution.columns.map((column, c) => {
    const value = solution.values[c] ?? 0;
    // What leaving out the uncertain prices moved is uncertain as well.
    const full = all.solution.values[all.solution.columns.indexOf(column)] ?? value;
    return {
      driver: frame.drivers[column] as Driver,
      value,
      standardError: rootSum([errorsMax[c] ?? 0, spare ? value - full : 0]),
      contains: [...contained].flatMap(([name, into]) => (into.includes(column) ? [name] : [])),
    };
  });
}

/** Drivers that others add up to, with the columns of those others. */
async function confoundedIn({
  problem,
  drivers,
  independent,
}: Frame): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>();
  for (const [column, driver] of drivers.entries()) {
    if (independent.includes(column)) continue;
    const shares = await combination(problem, column, independent);
    const isPart = (other: number, c: number): boolean =>
      problem.x.some((row) => {
        const own = row[column] ?? 0;
        return own > 0 && ((row[other] ?? 0) * (shares[c] ?? 0)) / own > PART_MIN;
      });
    found.set(driver.name, independent.filter(isPart));
  }
  return found;
}

async function untoldOf(frame: Frame, kept: readonly number[]): Promise<Untold[]> {
  const { problem, drivers } = frame;
  const confounded = await confoundedIn(frame);
  const names = (columns: readonly number[]): string[] =>
    columns.flatMap((column) => drivers[column]?.name ?? []);
  return drivers.flatMap(({ name }, column): Untold[] => {
    if (kept.includes(column)) return [];
    const into = confounded.get(name);
    if (into !== undefined) return [{ driver: name, reason: "confounded", with: names(into) }];
    const beside = kept.filter((other) =>
      problem.x.some((row) => (row[column] ?? 0) > 0 && (row[other] ?? 0) > 0),
    );
    return [{ driver: name, reason: "noise", with: names(beside) }];
  });
}
