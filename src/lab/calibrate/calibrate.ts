import { estimate } from "../../cost/estimate.ts";
import { type EstimatedInterval, roundInterval, scaleInterval } from "../../cost/interval.ts";
import type { Figure, Profile } from "../../cost/profile.ts";
import { profileSha256 } from "../../cost/profile-checksum.ts";
import { Failure } from "../../units/failure.ts";
import type { RunControl } from "../drive.ts";
import { VERSION } from "../version.ts";
import { complaintsOf } from "./complaints.ts";
import { fitPrices, type PriceFit, type Untold } from "./fit.ts";
import { fittedProfile } from "./fitted-profile.ts";
import { leaveOneOut, predict, relativeError } from "./leave-one-out.ts";
import { describeRow, type MeasurementRow } from "./measurement-rows.ts";
import { type Observation, observe } from "./observations.ts";

/** One measurement beside what the fitted profile makes of it. */
export interface RowVerdict {
  readonly place: string;
  readonly configuration: string;
  readonly source: string;
  readonly measuredSeconds: number;
  /** Nanoseconds; null where the rows bear no price for it. */
  readonly simulatedNs: EstimatedInterval | null;
  /** Simulated over measured, less 1. */
  readonly relativeError: number | null;
  /** The same with the prices that the other rows bear; null when they say nothing of this row. */
  readonly leaveOneOutError: number | null;
}

/** A price that was written, with how certain it is. */
export interface PriceVerdict {
  readonly term: string;
  readonly price: Figure;
  readonly relativeStandardError: number;
  readonly contains: readonly string[];
}

/** What a file of measurements came to: `tdx-sim/calibration/v1`. */
export interface Calibration {
  readonly schema: "tdx-sim/calibration/v1";
  readonly simulated: true;
  readonly version: string;
  readonly file: string;
  /** Null when the rows bear no price, and there is no profile. */
  readonly profile: { readonly name: string; readonly sha256: string } | null;
  readonly rows: readonly RowVerdict[];
  readonly prices: readonly PriceVerdict[];
  /** What has no price of its own, and why. */
  readonly untold: readonly Untold[];
  /** How many of the counts in the rows are independent of each other. */
  readonly rank: number;
  readonly counted: number;
  /** Root mean square distance of rows from the fit, as a share of the measured time. */
  readonly scatter: readonly {
    readonly family: string;
    readonly rows: number;
    readonly share: number;
  }[];
  /** What is wrong with the rows, one sentence each. */
  readonly complaints: readonly string[];
}

export interface CalibrationRequest {
  readonly rows: readonly MeasurementRow[];
  /** Name of the file: the source of every fitted number. */
  readonly file: string;
  /** Name that the profile gets. */
  readonly name: string;
}

/**
 * Fits a cost profile to measured teardowns. The regressors are what the emulator counts for those
 * very configurations; there is no profile when the rows bear no price at all.
 *
 * @throws Failure `data` for a row whose leaf that teardown never calls; RunStopped
 */
export async function calibrate(
  { rows, file, name }: CalibrationRequest,
  control: RunControl,
): Promise<{ readonly calibration: Calibration; readonly profile: Profile | null }> {
  const set = await observe(rows, control);
  const fit = await fitPrices(set);
  const errors = await leaveOneOut(set, control);
  const leftOut = new Map(set.observations.map((each, index) => [each, errors[index] ?? null]));
  const profile = fit.prices.length === 0 ? null : fittedProfile({ fit, leftOut, file, name });
  const calibration: Calibration = {
    schema: "tdx-sim/calibration/v1",
    simulated: true,
    version: VERSION,
    file,
    profile: profile && { name, sha256: profileSha256(profile) },
    rows: set.observations.map((observation) => ({
      ...rowVerdict(observation, simulate(observation, fit, profile)),
      leaveOneOutError: leftOut.get(observation) ?? null,
    })),
    prices: profile === null ? [] : priceVerdicts(fit, profile),
    untold: fit.untold,
    rank: fit.rank,
    counted: fit.prices.length + fit.untold.length,
    scatter: fit.scatter.map(({ family, rows: count, share }) => {
      return { family, rows: count, share: Number(share.toFixed(6)) };
    }),
    complaints: complaintsOf(set.observations, fit),
  };
  return { calibration, profile };
}

function simulate(
  observation: Observation,
  fit: PriceFit,
  profile: Profile | null,
): EstimatedInterval | null {
  const { row, phases, td, main, counts } = observation;
  if (profile === null || predict(fit, observation) === null) return null;
  if (row.leaf === null) {
    return estimated(() => estimate(phases, td, profile).elapsedNs);
  }
  const price = profile.terms.find(({ term }) => term === main)?.price;
  if (price === undefined) return null;
  const one = { low: price.low, mid: price.value, high: price.high };
  const time = roundInterval(scaleInterval(one, counts.get(main) ?? 0));
  return { ...time, basis: price.basis };
}

/** Rows that contradict each other wildly leave a range beyond what can be told: no time then. */
function estimated(told: () => EstimatedInterval): EstimatedInterval | null {
  try {
    const { low, mid, high, basis } = told();
    return { low, mid, high, basis };
  } catch (error) {
    if (error instanceof Failure) return null;
    throw error;
  }
}

function rowVerdict(
  observation: Observation,
  simulatedNs: EstimatedInterval | null,
): Omit<RowVerdict, "leaveOneOutError"> {
  const { row } = observation;
  return {
    place: row.place,
    configuration: describeRow(row),
    source: row.source,
    measuredSeconds: row.seconds,
    simulatedNs,
    relativeError: simulatedNs && relativeError(simulatedNs.mid, observation),
  };
}

function priceVerdicts(fit: PriceFit, profile: Profile): PriceVerdict[] {
  return fit.prices.flatMap(({ driver, value, standardError, contains }) => {
    const price = profile.terms.find(({ term }) => term === driver.name)?.price;
    if (price === undefined) return [];
    const relativeStandardError = Number((standardError / value).toPrecision(4));
    return [{ term: driver.name, price, relativeStandardError, contains }];
  });
}
