/** Schemas of what is told of kernels: the generations, and what an estimate is the sum of. */
import * as v from "valibot";
import { FigureSchema } from "../../cost/profile-schema.ts";
import type {
  ClearPolicy,
  KernelStatus,
  Mark,
  TeardownStep,
} from "../../kvm/generations/generation.ts";
import type { Errno } from "../../kvm/kvm-error.ts";
import { HOST_WORK_KINDS } from "../../ledger/phase-counts.ts";
import type { Explanation } from "../explain-estimate.ts";
import type { ExplainedStrategy } from "../explain-strategy.ts";
import type { KernelsDocument } from "../kernel-facts.ts";
import { count, elapsed, profileIdentity, time } from "./quantities.ts";

const MARKS = ["INFERRED", "UNCONFIRMED"] as const satisfies readonly Mark[];
const STATUSES = ["merged", "proposed", "dropped"] as const satisfies readonly KernelStatus[];
const CLEARS = ["always", "with-pw-mce", "never"] as const satisfies readonly ClearPolicy[];
const ERRNOS = [
  "E2BIG",
  "EAGAIN",
  "EBUSY",
  "EFAULT",
  "EINVAL",
  "EIO",
  "ENOMEM",
  "ENOSPC",
  "EOPNOTSUPP",
] as const satisfies readonly Errno[];
const STEPS = [
  "remove-leaves",
  "release-hkid",
  "reclaim-leaves",
  "reclaim-tables",
  "reclaim-vcpus",
  "reclaim-td",
] as const satisfies readonly TeardownStep[];

function doubts() {
  return v.array(
    v.strictObject({ mark: v.picklist(MARKS), about: v.string(), source: v.string() }),
  );
}

function rules() {
  return v.array(
    v.strictObject({
      ioctl: v.string(),
      when: v.string(),
      errno: v.picklist(ERRNOS),
      source: v.string(),
      mark: v.exactOptional(v.picklist(MARKS)),
    }),
  );
}

function strategyFacts() {
  return v.strictObject({
    strategy: v.string(),
    trigger: v.string(),
    perSmallLeaf: count(),
    perLargeLeaf: count(),
    perTd: v.string(),
    source: v.string(),
  });
}

/** `tdx-sim/kernels/v1`: what `kernels` prints. */
export function kernelsSchema() {
  const kernel = v.strictObject({
    kernel: v.string(),
    title: v.string(),
    status: v.picklist(STATUSES),
    statusNote: v.string(),
    section: v.string(),
    source: v.string(),
    commands: v.array(
      v.strictObject({ id: count(), name: v.string(), scope: v.picklist(["VM", "vCPU"]) }),
    ),
    strategies: v.array(strategyFacts()),
    retries: v.array(v.strictObject({ call: v.string(), retries: v.string() })),
    rules: rules(),
    lacks: v.array(v.string()),
    leaks: v.array(v.string()),
    clears: v.picklist(CLEARS),
    pageSizes: v.array(v.picklist(["4K", "2M"])),
    doubts: doubts(),
  });
  const schema = v.strictObject({
    schema: v.literal("tdx-sim/kernels/v1"),
    kernels: v.array(kernel),
  });
  return schema satisfies v.GenericSchema<unknown, KernelsDocument>;
}

/** What a strategy does, step by step; `create` and `populate` have none. */
function procedure() {
  const call = v.strictObject({
    leaf: v.string(),
    formula: v.string(),
    moduleLocks: v.string(),
    retries: v.string(),
    source: v.string(),
  });
  const step = v.strictObject({
    step: v.picklist(STEPS),
    phase: v.string(),
    title: v.string(),
    inIoctl: v.boolean(),
    locks: v.array(v.string()),
    calls: v.array(call),
    hostWork: v.array(v.strictObject({ work: v.picklist(HOST_WORK_KINDS), formula: v.string() })),
  });
  const schema = v.strictObject({
    kernel: v.string(),
    strategy: v.string(),
    status: v.string(),
    trigger: v.string(),
    command: v.nullable(v.string()),
    source: v.string(),
    legend: v.string(),
    steps: v.array(step),
    doubts: doubts(),
    notModelled: v.array(v.string()),
    whatIf: v.array(v.strictObject({ name: v.string(), reliesOn: v.string() })),
  });
  return schema satisfies v.GenericSchema<unknown, ExplainedStrategy>;
}

function terms() {
  return v.array(
    v.strictObject({
      term: v.string(),
      phases: v.array(v.string()),
      count: count(),
      priceNs: time(),
      timeNs: time(),
      source: v.string(),
      conditions: v.string(),
      parts: v.exactOptional(v.array(v.strictObject({ leaf: v.string(), timeNs: time() }))),
    }),
  );
}

/** `tdx-sim/explanation/v1`: what `explain` prints. */
export function explanationSchema() {
  const schema = v.strictObject({
    schema: v.literal("tdx-sim/explanation/v1"),
    simulated: v.literal(true),
    version: v.string(),
    kernel: v.string(),
    module: v.string(),
    profile: profileIdentity(),
    subject: v.string(),
    td: v.strictObject({
      memoryBytes: count(),
      populatedBytes: count(),
      vcpus: count(),
      pageSize: v.picklist(["4K", "2M"]),
    }),
    terms: terms(),
    phases: v.array(v.strictObject({ phase: v.string(), elapsedNs: time() })),
    elapsedNs: elapsed(),
    fits: v.array(
      v.strictObject({
        fit: v.string(),
        terms: v.array(v.string()),
        tolerance: FigureSchema,
        toleranceAbove: v.exactOptional(FigureSchema),
      }),
    ),
    procedure: v.exactOptional(procedure()),
  });
  return schema satisfies v.GenericSchema<unknown, Explanation>;
}
