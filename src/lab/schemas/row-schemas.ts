/** Schemas of NDJSON lines that name a schema of their own. */
import * as v from "valibot";
import { BASES } from "../../cost/interval.ts";
import { LAYOUTS } from "../td-options.ts";
import { capturedRow, checkedProfile, listedProfile } from "./cost-schemas.ts";
import { checkedGeneration, leafFacts, mismatch, versions } from "./document-schemas.ts";
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

/** `tdx-sim/capture-row/v1`: a measurement as a line of `import`. */
export function captureRowSchema() {
  return v.strictObject({ schema: v.literal("tdx-sim/capture-row/v1"), ...capturedRow() });
}

/** `tdx-sim/profiles-row/v1`: a profile as a line of `profile list`. */
export function profilesRowSchema() {
  return v.strictObject({
    schema: v.literal("tdx-sim/profiles-row/v1"),
    ...listedProfile(),
  });
}

/** `tdx-sim/profile-row/v1`: a number of a profile as a line of `profile show`. */
export function profileRowSchema() {
  return v.strictObject({
    schema: v.literal("tdx-sim/profile-row/v1"),
    profile: v.string(),
    sha256: sha256(),
    part: v.string(),
    name: v.string(),
    of: v.string(),
    value: v.number(),
    low: v.number(),
    high: v.number(),
    unit: v.string(),
    basis: v.picklist(BASES),
    source: v.string(),
    conditions: v.string(),
  });
}

/** `tdx-sim/profile-check-row/v1`: a profile as a line of `profile check`. */
export function profileCheckRowSchema() {
  return v.strictObject({
    schema: v.literal("tdx-sim/profile-check-row/v1"),
    ...checkedProfile(),
    remarks: v.string(),
  });
}

/** `tdx-sim/kernel-row/v1`: a strategy of a generation as a line of `kernels`. */
export function kernelRowSchema() {
  return v.strictObject({
    schema: v.literal("tdx-sim/kernel-row/v1"),
    kernel: v.string(),
    title: v.string(),
    status: v.string(),
    statusNote: v.string(),
    strategy: v.string(),
    trigger: v.string(),
    "perPage.4K": count(),
    "perPage.2M": count(),
    perTd: v.string(),
    pageSizes: v.string(),
    clears: v.string(),
    section: v.string(),
    source: v.string(),
  });
}

/** `tdx-sim/replay-row/v1`: a mismatch as a line of `replay`. */
export function replayRowSchema() {
  return v.strictObject({ schema: v.literal("tdx-sim/replay-row/v1"), ...mismatch() });
}

/** `tdx-sim/leaf-row/v1`: a leaf, or with `--coverage` a status of it, as a line of `leaves`. */
export function leafRowSchema() {
  return v.strictObject({
    schema: v.literal("tdx-sim/leaf-row/v1"),
    ...leafFacts(),
    status: v.exactOptional(v.nullable(v.string())),
    answers: v.exactOptional(count()),
  });
}

/** `tdx-sim/store-check-row/v1`: a generation as a line of `store check`. */
export function storeCheckRowSchema() {
  return v.strictObject({
    schema: v.literal("tdx-sim/store-check-row/v1"),
    ...checkedGeneration(),
  });
}

/** `tdx-sim/version-row/v1`. */
export function versionRowSchema() {
  return v.strictObject({
    schema: v.literal("tdx-sim/version-row/v1"),
    ...versions(),
  });
}
