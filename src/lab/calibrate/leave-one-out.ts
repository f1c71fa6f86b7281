import { type RunControl, RunStopped } from "../drive.ts";
import { fitPrices, type PriceFit } from "./fit.ts";
import type { Observation, ObservationSet } from "./observations.ts";

/**
 * Nanoseconds that a fit gives an observation; null when its rows say nothing of it: none is of
 * its family, its main price is missing, or it counted what none of them did.
 */
export function predict(fit: PriceFit, { counts, main, family }: Observation): number | null {
  if (!fit.scatter.some((scatter) => scatter.family === family)) return null;
  const prices = new Map(fit.prices.map(({ driver, value }) => [driver.name, value]));
  const known = new Set([...prices.keys(), ...fit.untold.map(({ driver }) => driver)]);
  if (!prices.has(main) || [...counts.keys()].some((name) => !known.has(name))) return null;
  let sum = 0;
  for (const [name, count] of counts) sum += (prices.get(name) ?? 0) * count;
  return sum;
}

/** Lets signals have their turn, and stops when one asked for that. */
async function giveWay({ shouldStop }: RunControl): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  if (shouldStop?.() === true) throw new RunStopped("the calibration was stopped");
}

/** How far off a time in nanoseconds is, six digits: more would be noise of the arithmetic. */
export function relativeError(ns: number, { row }: Observation): number {
  return Number((ns / (row.seconds * 1e9) - 1).toFixed(6));
}

/**
 * For each observation the relative error of what the others predict for it, with everything
 * fitted anew: also which prices the rows bear.
 */
export async function leaveOneOut(
  set: ObservationSet,
  control: RunControl,
): Promise<(number | null)[]> {
  const errors: (number | null)[] = [];
  for (const [index, left] of set.observations.entries()) {
    control.onProgress?.(index, set.observations.length, "leave one out");
    await giveWay(control);
    const observations = set.observations.filter((other) => other !== left);
    const predicted = predict(await fitPrices({ ...set, observations }), left);
    errors.push(predicted === null ? null : relativeError(predicted, left));
  }
  return errors;
}
