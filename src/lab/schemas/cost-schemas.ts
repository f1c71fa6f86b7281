/** Schemas of what is told of cost profiles, and of the measurements they are fitted to. */
import * as v from "valibot";
import { FigureSchema } from "../../cost/profile-schema.ts";
import type { Calibration } from "../calibrate/calibrate.ts";
import type { ImportedCapture } from "../import-capture.ts";
import { count, notNegative, profileIdentity, sha256, time } from "./quantities.ts";

/** `tdx-sim/profiles/v1`: what `profile list` prints. */
export function profilesSchema() {
  return v.strictObject({
    schema: v.literal("tdx-sim/profiles/v1"),
    profiles: v.array(v.strictObject(listedProfile())),
  });
}

/** Entries of a profile in the list. */
export function listedProfile() {
  return {
    name: v.string(),
    default: v.boolean(),
    terms: count(),
    fits: count(),
    sha256: sha256(),
    description: v.string(),
  };
}

/** `tdx-sim/profile-check/v1`: what `profile check` prints. */
export function profileCheckSchema() {
  return v.strictObject({
    schema: v.literal("tdx-sim/profile-check/v1"),
    profiles: v.array(v.strictObject({ ...checkedProfile(), remarks: v.array(v.string()) })),
  });
}

/** Entries of a profile that was checked, but for the remarks. */
export function checkedProfile() {
  return {
    profile: v.string(),
    name: v.nullable(v.string()),
    sha256: v.nullable(sha256()),
    valid: v.boolean(),
  };
}

function rowVerdict() {
  return v.strictObject({
    place: v.string(),
    configuration: v.string(),
    source: v.string(),
    measuredSeconds: notNegative(),
    simulatedNs: v.nullable(time()),
    relativeError: v.nullable(v.number()),
    leaveOneOutError: v.nullable(v.number()),
  });
}

/** `tdx-sim/calibration/v1`: what `calibrate` prints. */
export function calibrationSchema() {
  const schema = v.strictObject({
    schema: v.literal("tdx-sim/calibration/v1"),
    simulated: v.literal(true),
    version: v.string(),
    file: v.string(),
    profile: v.nullable(profileIdentity()),
    rows: v.array(rowVerdict()),
    prices: v.array(
      v.strictObject({
        term: v.string(),
        price: FigureSchema,
        relativeStandardError: notNegative(),
        contains: v.array(v.string()),
      }),
    ),
    untold: v.array(
      v.strictObject({
        driver: v.string(),
        reason: v.picklist(["confounded", "noise"]),
        with: v.array(v.string()),
      }),
    ),
    rank: count(),
    counted: count(),
    scatter: v.array(v.strictObject({ family: v.string(), rows: count(), share: notNegative() })),
    complaints: v.array(v.string()),
  });
  return schema satisfies v.GenericSchema<unknown, Calibration>;
}

/** Entries of a measurement that `import` made. */
export function capturedRow() {
  return {
    vcpus: count(),
    memory: count(),
    pageSize: v.picklist(["4K", "2M"]),
    strategy: v.string(),
    kernel: v.string(),
    seconds: notNegative(),
    packages: count(),
    populated: count(),
    weight: notNegative(),
    leaf: v.exactOptional(v.string()),
    source: v.string(),
  };
}

/** `tdx-sim/capture/v1`: what `import` prints; its rows are what `calibrate` takes. */
export function captureSchema() {
  const schema = v.strictObject({
    schema: v.literal("tdx-sim/capture/v1"),
    version: v.string(),
    file: v.string(),
    rows: v.array(v.strictObject(capturedRow())),
    counts: v.array(
      v.strictObject({ leaf: v.string(), captured: v.nullable(count()), simulated: count() }),
    ),
    remarks: v.array(v.string()),
  });
  return schema satisfies v.GenericSchema<unknown, ImportedCapture>;
}
