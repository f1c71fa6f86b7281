/** Schemas of what commands print: the same shapes as the types, checked against them. */
import * as v from "valibot";
import { LEVELS } from "../expect/expectation.ts";
import { type FailedRun, PHASE_NAMES, type Result } from "../result.ts";
import {
  count,
  counts,
  elapsed,
  estimate,
  notNegative,
  profileIdentity,
  sha256,
  time,
} from "./quantities.ts";

function seamcalls() {
  return v.strictObject({ total: count(), byLeaf: counts() });
}

function strategy() {
  return v.strictObject({
    strategy: v.string(),
    kernel: v.string(),
    seamcalls: seamcalls(),
    phases: v.array(
      v.strictObject({
        phase: v.picklist(PHASE_NAMES),
        seamcalls: seamcalls(),
        elapsedNs: time(),
      }),
    ),
    statuses: counts(),
    hostWork: v.strictObject({
      pagesCleared: count(),
      bytesCleared: count(),
      ipis: count(),
      vcpuKicks: count(),
    }),
    elapsedNs: elapsed(),
    milestones: v.strictObject({
      hkidFree: time(),
      memoryFree: time(),
      mmuLockWriteHeld: time(),
      mmuLockWriteLongest: time(),
    }),
    end: v.strictObject({
      pagesLeaked: count(),
      hkidFree: v.boolean(),
      tdrReclaimed: v.boolean(),
      warned: v.exactOptional(counts()),
      bugged: v.exactOptional(v.literal(true)),
      livelock: v.exactOptional(
        v.strictObject({ leaf: v.string(), status: v.string(), calls: count() }),
      ),
      hkidsLeaked: v.exactOptional(v.array(count())),
      leaks: v.exactOptional(
        v.array(v.strictObject({ address: v.string(), pages: count(), what: v.string() })),
      ),
    }),
  });
}

function privatePages() {
  return v.strictObject({ "4K": count(), "2M": count(), "1G": count() });
}

function td() {
  return v.strictObject({
    name: v.nullable(v.string()),
    source: v.picklist(["options", "store", "default", "scenario"]),
    memoryBytes: count(),
    vcpus: count(),
    pageSize: v.picklist(["4K", "2M"]),
    septLevels: v.picklist([4, 5]),
    privatePages: privatePages(),
    septPages: count(),
    controlPages: count(),
    finalized: v.boolean(),
  });
}

function expectation() {
  const side = () => v.nullable(v.union([v.number(), v.boolean(), v.string()]));
  return v.strictObject({
    kind: v.picklist(["expectation", "baseline"]),
    expectation: v.string(),
    level: v.picklist(LEVELS),
    passed: v.boolean(),
    left: side(),
    right: side(),
    detail: v.string(),
  });
}

/** `tdx-sim/result/v1`: what `destroy`, `compare` and `run` print. */
export function resultSchema() {
  const schema = v.strictObject({
    schema: v.literal("tdx-sim/result/v1"),
    simulated: v.literal(true),
    version: v.string(),
    command: v.string(),
    seed: count(),
    scenario: v.exactOptional(v.strictObject({ name: v.string(), sha256: sha256() })),
    kernel: v.string(),
    whatIf: v.exactOptional(v.array(v.string())),
    module: v.string(),
    profile: profileIdentity(),
    platform: v.strictObject({ packages: count(), lps: count(), hkids: count() }),
    td: td(),
    strategies: v.array(strategy()),
    comparison: v.array(
      v.strictObject({
        strategy: v.string(),
        kernel: v.string(),
        against: v.string(),
        seamcallRatio: notNegative(),
        elapsedRatio: v.strictObject(estimate()),
      }),
    ),
    expectations: v.exactOptional(v.array(expectation())),
    warnings: v.array(v.string()),
  });
  return schema satisfies v.GenericSchema<unknown, Result>;
}

function failedRun() {
  const schema = v.strictObject({
    scenario: v.strictObject({ name: v.string(), sha256: sha256() }),
    error: v.strictObject({
      exitCode: count(),
      message: v.string(),
      errno: v.exactOptional(v.string()),
      leaf: v.exactOptional(v.string()),
      status: v.exactOptional(v.string()),
    }),
  });
  return schema satisfies v.GenericSchema<unknown, FailedRun>;
}

/** `tdx-sim/run/v1`: what `run` prints of several scenarios, and of one that came to no result. */
export function runSchema() {
  return v.strictObject({
    schema: v.literal("tdx-sim/run/v1"),
    simulated: v.literal(true),
    version: v.string(),
    results: v.array(resultSchema()),
    /** Scenarios that came to no result; absent where there are none. */
    failed: v.exactOptional(v.array(failedRun())),
  });
}

/**
 * A row of CSV or NDJSON.
 *
 * @param names of its columns, in order
 * @param ofSweeps names of those that only rows of a sweep have
 */
export function rowSchema(names: readonly string[], ofSweeps: readonly string[]) {
  const cell = v.nullable(v.union([v.string(), v.number(), v.boolean()]));
  const always = names.map((name) => [name, cell] as const);
  const sometimes = ofSweeps.map((name) => [name, v.exactOptional(cell)] as const);
  const entries = Object.fromEntries([...always, ...sometimes]);
  return v.strictObject({ ...entries, schema: v.literal("tdx-sim/row/v1") });
}

/** `tdx-sim/sweep/v1`: the rows of a grid. */
export function sweepSchema(names: readonly string[], ofSweeps: readonly string[]) {
  return v.strictObject({
    schema: v.literal("tdx-sim/sweep/v1"),
    simulated: v.literal(true),
    version: v.string(),
    rows: v.array(rowSchema(names, ofSweeps)),
  });
}

/** `tdx-sim/manifest/v1`: what a run with `--out` was made of. */
export function manifestSchema() {
  return v.strictObject({
    schema: v.literal("tdx-sim/manifest/v1"),
    simulated: v.literal(true),
    version: v.string(),
    module: v.string(),
    profile: profileIdentity(),
    scenario: v.nullable(v.strictObject({ name: v.string(), sha256: sha256() })),
    seed: count(),
    argv: v.array(v.string()),
    files: v.record(v.string(), sha256()),
  });
}
