/** Schemas of NDJSON lines that name a schema of their own. */
import * as v from "valibot";
import { BASES } from "../../cost/interval.ts";
import { LAYOUTS } from "../td-options.ts";
import { count, notNegative, sha256 } from "./quantities.ts";

/** `tdx-sim/td-row/v1`: a TD as a line of `create`, `populate`, `show`, `list` and so on. */
export function tdRowSchema() {
  return v.strictObject({
    schema: v.literal("tdx-sim/td-row/v1"),
    simulated: v.literal(true),
    version: v.string(),
    name: v.string(),
    kernel: v.string(),
    state: v.picklist(["created", "runnable", "half destroyed", "destroyed"]),
    destroyed: v.boolean(),
    lifecycle: v.nullable(v.string()),
    opState: v.nullable(v.string()),
    hkid: v.nullable(count()),
    hkidState: v.nullable(v.string()),
    finalized: v.boolean(),
    memoryBytes: count(),
    populatedBytes: count(),
    vcpus: count(),
    pageSize: v.picklist(["4K", "2M"]),
    layout: v.picklist(LAYOUTS),
    "privatePages.4K": count(),
    "privatePages.2M": count(),
    septPages: count(),
    controlPages: count(),
    pagesLeaked: count(),
    "seamcalls.life": count(),
    "seamcalls.teardown": count(),
  });
}

/** `tdx-sim/explanation-row/v1`: a term of a sum as a line of `explain`. */
export function explanationRowSchema() {
  return v.strictObject({
    schema: v.literal("tdx-sim/explanation-row/v1"),
    simulated: v.literal(true),
    version: v.string(),
    kernel: v.string(),
    module: v.string(),
    "profile.name": v.string(),
    "profile.sha256": sha256(),
    subject: v.string(),
    memoryBytes: count(),
    populatedBytes: count(),
    vcpus: count(),
    pageSize: v.picklist(["4K", "2M"]),
    term: v.string(),
    phases: v.string(),
    count: count(),
    "priceNs.low": notNegative(),
    "priceNs.mid": notNegative(),
    "priceNs.high": notNegative(),
    "priceNs.basis": v.picklist(BASES),
    "timeNs.low": notNegative(),
    "timeNs.mid": notNegative(),
    "timeNs.high": notNegative(),
    "timeNs.basis": v.picklist(BASES),
    source: v.string(),
    conditions: v.string(),
  });
}

/** `tdx-sim/calibration-row/v1`: a measurement as a line of `calibrate`. */
export function calibrationRowSchema() {
  return v.strictObject({
    schema: v.literal("tdx-sim/calibration-row/v1"),
    simulated: v.literal(true),
    version: v.string(),
    file: v.string(),
    "profile.sha256": v.nullable(sha256()),
    place: v.string(),
    configuration: v.string(),
    source: v.string(),
    measuredSeconds: notNegative(),
    "simulatedNs.low": v.nullable(notNegative()),
    "simulatedNs.mid": v.nullable(notNegative()),
    "simulatedNs.high": v.nullable(notNegative()),
    "simulatedNs.basis": v.nullable(v.picklist(BASES)),
    relativeError: v.nullable(v.number()),
    leaveOneOutError: v.nullable(v.number()),
  });
}
