/** Schemas of the documents that are not results. */
import * as v from "valibot";
import { SEPT_STATES } from "../../module/sept-states.ts";
import type { LeafCoverageReport } from "../leaf-coverage.ts";
import type { ReplayResult } from "../replay/replay.ts";
import type { TdReport } from "../td-report.ts";
import { count, counts } from "./quantities.ts";
import { tdOptions } from "./td-options-schema.ts";

function ioctlCounts() {
  return v.strictObject({
    ioctl: v.string(),
    seamcalls: v.strictObject({ total: count(), byLeaf: counts() }),
    statuses: counts(),
  });
}

/** `tdx-sim/td/v1`: what `create`, `populate` and `show` print; `list` prints an array of it. */
export function tdSchema() {
  const schema = v.strictObject({
    schema: v.literal("tdx-sim/td/v1"),
    simulated: v.literal(true),
    version: v.string(),
    name: v.string(),
    kernel: v.string(),
    destroyed: v.boolean(),
    lifecycle: v.nullable(v.string()),
    opState: v.nullable(v.string()),
    hkid: v.nullable(count()),
    hkidState: v.nullable(v.string()),
    finalized: v.boolean(),
    options: tdOptions(),
    vcpus: count(),
    populatedBytes: count(),
    sharedBytes: count(),
    privatePages: v.strictObject({ "4K": count(), "2M": count(), "1G": count() }),
    septPages: count(),
    controlPages: count(),
    pagesLeaked: count(),
    pageRuns: v.array(
      v.strictObject({
        gpa: v.pipe(v.string(), v.regex(/^0x[0-9a-f]+$/)),
        size: v.picklist(["4K", "2M", "1G"]),
        pages: count(),
        state: v.picklist(Object.values(SEPT_STATES)),
      }),
    ),
    pageRunsOmitted: count(),
    ioctls: v.array(ioctlCounts()),
    teardown: v.nullable(v.strictObject({ strategy: v.string(), phases: v.array(ioctlCounts()) })),
  });
  return schema satisfies v.GenericSchema<unknown, TdReport>;
}

export function tdListSchema() {
  return v.array(tdSchema());
}

/** Entries of what a replay found to differ. */
export function mismatch() {
  return {
    sequence: v.string(),
    step: v.nullable(count()),
    leaf: v.nullable(v.string()),
    field: v.string(),
    expected: v.string(),
    actual: v.string(),
    expectedStatus: v.nullable(v.string()),
    actualStatus: v.nullable(v.string()),
  };
}

/** `tdx-sim/replay/v1`. */
export function replaySchema() {
  const schema = v.strictObject({
    schema: v.literal("tdx-sim/replay/v1"),
    sequences: count(),
    steps: count(),
    seamcalls: count(),
    mismatches: count(),
    sequencesWithMismatch: count(),
    pairs: v.record(v.string(), counts()),
    first: v.array(v.strictObject(mismatch())),
  });
  return schema satisfies v.GenericSchema<unknown, ReplayResult>;
}

/** Entries of a leaf, but for the statuses that vectors reach. */
export function leafFacts() {
  return {
    leaf: v.string(),
    number: count(),
    caller: v.picklist(["host", "guest"]),
    emulated: v.picklist(["fully", "in part", "not"]),
    missing: v.nullable(v.string()),
  };
}

/** `tdx-sim/leaves/v1`. */
export function leavesSchema() {
  const schema = v.strictObject({
    schema: v.literal("tdx-sim/leaves/v1"),
    module: v.string(),
    pairsReached: v.nullable(count()),
    leaves: v.array(
      v.strictObject({
        ...leafFacts(),
        reached: v.nullable(counts()),
        unreached: v.nullable(v.array(v.string())),
      }),
    ),
  });
  return schema satisfies v.GenericSchema<unknown, LeafCoverageReport>;
}

/** `tdx-sim/version/v1`. */
export function versionSchema() {
  return v.strictObject({
    schema: v.literal("tdx-sim/version/v1"),
    ...versions(),
  });
}

export function versions() {
  return { version: v.string(), module: v.string(), node: v.string() };
}

/** Entries of a generation of a store that was checked. */
export function checkedGeneration() {
  return {
    generation: count(),
    file: v.string(),
    state: v.picklist(["good", "damaged", "newer-format"]),
    reason: v.string(),
  };
}

/** `tdx-sim/store-check/v1`. */
export function storeCheckSchema() {
  const holder = v.looseObject({ command: v.string(), pid: count(), host: v.string() });
  return v.strictObject({
    schema: v.literal("tdx-sim/store-check/v1"),
    directory: v.string(),
    generations: v.array(v.strictObject(checkedGeneration())),
    temporaryFiles: count(),
    lock: v.nullable(
      v.looseObject({ id: v.string(), alive: v.boolean(), holder: v.nullable(holder) }),
    ),
  });
}
