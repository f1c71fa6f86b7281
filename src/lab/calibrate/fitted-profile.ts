import type { Cover, Figure, Fit, MeasuredRange, Profile, Term } from "../../cost/profile.ts";
import { formatPercent } from "../../units/duration.ts";
import { formatSize } from "../../units/size.ts";
import { driverCounts, FIXED } from "./drivers.ts";
import type { FittedPrice, PriceFit } from "./fit.ts";
import { REPEATABILITY } from "./noise.ts";
import { coversOf, type Kind, type Observation } from "./observations.ts";

/** What a profile is written from. */
export interface FittedProfileParts {
  readonly fit: PriceFit;
  /** Leave-one-out error of each row of `fit.used`; null where there is none. */
  readonly leftOut: ReadonlyMap<Observation, number | null>;
  readonly file: string;
  readonly name: string;
}

const PHASES: Readonly<Record<Kind, readonly string[]>> = {
  "runtime removal": ["remove-private"],
  "reclaim after the HKID is released": ["reclaim-private", "reclaim-sept", "reclaim-control"],
};

/** Standard errors to either side of a price: 19 times of 20 it lies between them. */
const ERRORS_AROUND = 2;
/** A tolerance is below 1: an estimate cannot be less than nothing. */
const TOLERANCE_MAX = 0.95;
const WIDENING_MIN = 0.1;
const SOURCES_TOLD = 3;

/** A profile of the prices that the rows bear, each number with the file as its source. */
export function fittedProfile(parts: FittedProfileParts): Profile {
  const { fit, file, name } = parts;
  const terms = withCovers(
    [...fit.prices.map((price) => termOf(price, parts)), ...fixedBound(parts)],
    fit,
  );
  return {
    schema: "tdx-sim/profile/v1",
    name,
    description: `Fitted to ${fit.used.length} measurements of ${file}`,
    terms,
    fits: fitsOf(parts, terms),
  };
}

function sourceOf({ fit, file }: FittedProfileParts): string {
  const sources = [
    ...new Set(fit.used.flatMap(({ row }) => (row.source === "" ? [] : [row.source]))),
  ];
  const told = sources.slice(0, SOURCES_TOLD).join("; ");
  const more = sources.length > SOURCES_TOLD ? ` and ${sources.length - SOURCES_TOLD} more` : "";
  return `${file}: ${fit.used.length} measurements${told === "" ? "" : ` (${told}${more})`}`;
}

/** Six digits: more than any measurement has, few enough to read. */
function sixDigits(value: number): number {
  return Number(value.toPrecision(6));
}

function termOf(
  { driver, value, standardError, contains }: FittedPrice,
  parts: FittedProfileParts,
): Term {
  const contained = contains.length === 0 ? "" : `; contains ${contains.join(", ")}`;
  return {
    term: driver.name,
    per: driver.per,
    price: {
      value: sixDigits(value),
      low: sixDigits(Math.max(0, value - ERRORS_AROUND * standardError)),
      high: sixDigits(value + ERRORS_AROUND * standardError),
      unit: driver.unit,
      basis: "fitted",
      source: sourceOf(parts),
      conditions: `Standard error ${formatPercent(standardError / value)}${contained}`,
    },
  };
}

/** The fixed part where the rows do not tell it: not more than what they could hide. */
function fixedBound(parts: FittedProfileParts): Term[] {
  const { fit } = parts;
  if (fit.prices.some(({ driver }) => driver.name === FIXED.name)) return [];
  const shares = new Map(fit.scatter.map(({ family, share }) => [family, share]));
  const hidden = fit.used
    .filter(({ counts }) => counts.has(FIXED.name))
    .map(({ row, family }) => ERRORS_AROUND * (shares.get(family) ?? 0) * row.seconds * 1e9);
  if (hidden.length === 0) return [];
  return [
    {
      term: FIXED.name,
      per: FIXED.per,
      price: {
        value: 0,
        low: 0,
        high: sixDigits(Math.min(...hidden)),
        unit: FIXED.unit,
        basis: "fitted",
        source: sourceOf(parts),
        conditions: "A bound: if it were more, the scatter of the shortest row could not hide it",
      },
    },
  ];
}

/** Adds to each term what its price contains of the ledger, so that nothing is left unpriced. */
function withCovers(terms: readonly Term[], fit: PriceFit): Term[] {
  const covers = new Map<string, Cover[]>();
  for (const { driver, with: beside } of fit.untold) {
    const holder = terms.find(({ term }) => beside.includes(term)) ?? terms[0];
    if (holder === undefined) continue;
    const own = covers.get(holder.term) ?? [];
    covers.set(holder.term, [...own, ...coversOf(driver, fit.used)]);
  }
  return terms.map((term) => {
    const own = covers.get(term.term) ?? [];
    return own.length === 0 ? term : { ...term, covers: own };
  });
}

function fitsOf(parts: FittedProfileParts, terms: readonly Term[]): Fit[] {
  const groups = new Map<string, Observation[]>();
  for (const observation of parts.fit.used) {
    const key = `${observation.kind} ${observation.pageSize}`;
    groups.set(key, [...(groups.get(key) ?? []), observation]);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const phases = PHASES[first.kind];
    const counted = new Set(
      group.flatMap((observation) =>
        observation.phases
          .filter(({ phase }) => phases.includes(phase))
          .flatMap(driverCounts)
          .map(({ driver }) => driver.name),
      ),
    );
    const tolerances = tolerancesOf(group, parts);
    const name = first.pageSize === "4K" ? first.kind : `${first.kind}, pages of ${first.pageSize}`;
    return [
      {
        fit: name,
        phases,
        terms: terms.map(({ term }) => term).filter((term) => counted.has(term)),
        range: rangeOf(group, parts),
        ...tolerances,
        widening: wideningOf(tolerances.tolerance.value),
      },
    ];
  });
}

function rangeOf(group: readonly Observation[], parts: FittedProfileParts): MeasuredRange {
  const vcpus = group.map(({ td }) => td.vcpus);
  const mapped = group.map(({ td }) => td.populatedBytes);
  const memory = group.map(({ td }) => td.memoryBytes);
  const memoryBytes = { low: Math.min(...mapped), high: Math.max(...memory) };
  return {
    memoryBytes,
    vcpus: { low: Math.min(...vcpus), high: Math.max(...vcpus) },
    pageSizes: [...new Set(group.map(({ pageSize }) => pageSize))],
    source: `${sourceOf(parts)}; ${formatSize(memoryBytes.low)} to ${formatSize(memoryBytes.high)}`,
  };
}

interface Tolerances {
  readonly tolerance: Figure;
  readonly toleranceAbove: Figure;
}

/** How far below and above its estimate a teardown that was left out took. */
function tolerancesOf(group: readonly Observation[], parts: FittedProfileParts): Tolerances {
  const whole = group.filter(({ row }) => row.leaf === null);
  const errors = whole.flatMap((observation) => parts.leftOut.get(observation) ?? []);
  const shares = new Map(parts.fit.scatter.map(({ family, share }) => [family, share]));
  const scatter = 2 * Math.max(...group.map(({ family }) => shares.get(family) ?? 0));
  const ratios = errors.length === 0 ? [1 - scatter, 1 + scatter] : errors.map((e) => 1 / (1 + e));
  const what =
    errors.length === 0
      ? `twice the scatter of ${group.length} rows`
      : `leave-one-out errors of ${errors.length} teardowns, ` +
        `${formatPercent(Math.max(...errors.map(Math.abs)))} at most`;
  const figure = (share: number): Figure => {
    const value = sixDigits(Math.max(share, REPEATABILITY));
    const source = `${parts.file}: ${what}`;
    const conditions = "Between the TDs of the file";
    return { value, low: value, high: value, unit: "ratio", basis: "fitted", source, conditions };
  };
  return {
    tolerance: figure(Math.min(1 - Math.min(...ratios), TOLERANCE_MAX)),
    toleranceAbove: figure(Math.max(...ratios) - 1),
  };
}

function wideningOf(tolerance: number): Figure {
  const value = Math.max(tolerance, WIDENING_MIN);
  return {
    value,
    low: value,
    high: value,
    unit: "ratio",
    basis: "assumed",
    source: "A convention: there is nothing outside the range to measure it with",
    conditions: "Once more the tolerance, 10 % at least, for each doubling of the distance",
  };
}
