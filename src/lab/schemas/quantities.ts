/** Parts that schemas of several documents are made of. */
import * as v from "valibot";
import { BASES } from "../../cost/interval.ts";

export function count() {
  return v.pipe(v.number(), v.integer(), v.minValue(0));
}

/** Counts by leaf or status name. */
export function counts() {
  return v.record(v.string(), count());
}

export function notNegative() {
  return v.pipe(v.number(), v.minValue(0));
}

/** Keys of an estimate, in nanoseconds or as a ratio. */
export function estimate() {
  return {
    low: notNegative(),
    mid: notNegative(),
    high: notNegative(),
    basis: v.picklist(BASES),
  };
}

/** Nanoseconds with range and basis. */
export function time() {
  return v.strictObject(estimate());
}

/** The time of a whole: where it leaves what was measured, it says why. */
export function elapsed() {
  return v.strictObject({
    ...estimate(),
    extrapolated: v.boolean(),
    reasons: v.exactOptional(v.array(v.string())),
  });
}

export function sha256() {
  return v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
}

/** Which profile: its name and the checksum of its numbers. */
export function profileIdentity() {
  return v.strictObject({ name: v.string(), sha256: sha256() });
}
