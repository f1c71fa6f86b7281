import { Failure } from "../units/failure.ts";

/** A time in whole nanoseconds: lowest, central and highest. */
export interface Interval {
  readonly low: number;
  readonly mid: number;
  readonly high: number;
}

/** How well founded a number is, best first. */
export const BASES = ["exact", "measured", "fitted", "assumed"] as const;
export type Basis = (typeof BASES)[number];

/** A time that says how well founded it is; nothing else is ever shown. */
export interface EstimatedInterval extends Interval {
  readonly basis: Basis;
}

const ZERO: Interval = { low: 0, mid: 0, high: 0 };

/** The basis of a sum: the weakest that went in; `exact` when nothing did. */
export function weakestBasis(bases: Iterable<Basis>): Basis {
  let weakest = 0;
  for (const basis of bases) weakest = Math.max(weakest, BASES.indexOf(basis));
  return BASES[weakest] as Basis;
}

/** Adds end to end, so that the mids of parts make the mid of the whole exactly. */
export function sumIntervals(intervals: Iterable<Interval>): Interval {
  let { low, mid, high } = ZERO;
  for (const interval of intervals) {
    low += interval.low;
    mid += interval.mid;
    high += interval.high;
  }
  return { low, mid, high };
}

/** The sum of times with the weakest basis among them; exactly nothing for none. */
export function sumTimes(times: readonly EstimatedInterval[]): EstimatedInterval {
  let { low, mid, high } = ZERO;
  let weakest = 0;
  for (const time of times) {
    low += time.low;
    mid += time.mid;
    high += time.high;
    weakest = Math.max(weakest, BASES.indexOf(time.basis));
  }
  return { low, mid, high, basis: BASES[weakest] as Basis };
}

/** A count of things that cost `price` each; not rounded. */
export function scaleInterval(price: Interval, count: number): Interval {
  return { low: price.low * count, mid: price.mid * count, high: price.high * count };
}

/**
 * Whole nanoseconds: the ends outwards, so that rounding never makes an estimate look better.
 * Throws a `usage` Failure beyond 2^53 ns, where nanoseconds are not whole any more.
 */
export function roundInterval({ low, mid, high }: Interval): Interval {
  if (!(low >= 0 && low <= mid && mid <= high)) {
    throw new Error(`${low} <= ${mid} <= ${high} ns is not an interval`);
  }
  const rounded = { low: Math.floor(low), mid: Math.round(mid), high: Math.ceil(high) };
  if (!Number.isSafeInteger(rounded.high)) {
    throw new Failure("usage", "the estimate goes beyond 104 days, which is as far as it counts", {
      hint: "ask for less memory or fewer vCPUs",
    });
  }
  return rounded;
}

function fourDecimals(ratio: number): number {
  return Math.round(ratio * 10_000) / 10_000;
}

/**
 * How many times longer `slower` takes than `faster`, four decimals. The ends combine the ends:
 * the two estimates may err in opposite directions. An end of zero counts as one nanosecond.
 */
export function intervalRatio(slower: Interval, faster: Interval): Interval {
  return {
    low: fourDecimals(slower.low / Math.max(faster.high, 1)),
    mid: fourDecimals(slower.mid / Math.max(faster.mid, 1)),
    high: fourDecimals(slower.high / Math.max(faster.low, 1)),
  };
}
