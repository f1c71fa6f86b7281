import * as v from "valibot";
import { HOST_WORK_KINDS, PAGE_SIZE_NAMES } from "../ledger/phase-counts.ts";
import { Failure } from "../units/failure.ts";
import { BASES } from "./interval.ts";
import { FIGURE_UNITS, type FigureUnit, type Profile } from "./profile.ts";

const NotNegative = v.pipe(v.number(), v.finite(), v.minValue(0));
const Text = v.pipe(v.string(), v.trim(), v.nonEmpty("must say something"));
const Leaf = v.pipe(v.string(), v.regex(/^TDH(?:\.[A-Z0-9]+)+$/, "is not a SEAMCALL leaf name"));
const Status = v.pipe(v.string(), v.regex(/^TDX_[A-Z0-9_]+$/, "is not a status name"));

/** A number that says where it comes from, as `Figure` has it. */
export const FigureSchema = v.pipe(
  v.strictObject({
    value: NotNegative,
    low: NotNegative,
    high: NotNegative,
    unit: v.picklist(FIGURE_UNITS),
    basis: v.picklist(BASES),
    source: Text,
    conditions: Text,
  }),
  v.check(({ low, value, high }) => low <= value && value <= high, "low <= value <= high fails"),
);

const Per = v.variant("kind", [
  v.strictObject({
    kind: v.literal("leaf"),
    leaf: Leaf,
    pageSize: v.exactOptional(v.picklist(PAGE_SIZE_NAMES)),
  }),
  v.strictObject({
    kind: v.literal("group"),
    leaves: v.pipe(v.array(Leaf), v.minLength(2)),
    pageSize: v.exactOptional(v.picklist(PAGE_SIZE_NAMES)),
  }),
  v.strictObject({ kind: v.literal("host-work"), work: v.picklist(HOST_WORK_KINDS) }),
  v.strictObject({ kind: v.literal("with-call"), leaves: v.pipe(v.array(Leaf), v.minLength(1)) }),
  v.strictObject({ kind: v.literal("phase"), phase: Text }),
  v.strictObject({ kind: v.literal("failed-call"), status: v.exactOptional(Status) }),
  v.strictObject({ kind: v.literal("other-call") }),
]);

const UNITS_OF_PER = {
  leaf: ["ns/call"],
  group: ["ns/group"],
  "host-work": ["ns/page", "ns/kick", "ns/ipi"],
  "with-call": ["ns/page", "ns/ioctl"],
  phase: ["ns/teardown"],
  "failed-call": ["ns/call"],
  "other-call": ["ns/call"],
} as const satisfies Record<string, readonly FigureUnit[]>;

/** A figure in one of these units, so that nanoseconds are never taken for a ratio. */
function figureIn(...units: readonly FigureUnit[]) {
  return v.pipe(
    FigureSchema,
    v.check(({ unit }) => units.includes(unit), `the unit must be ${units.join(" or ")}`),
  );
}

const Cover = v.pipe(
  v.strictObject({
    phase: Text,
    leaf: v.exactOptional(Leaf),
    pageSize: v.exactOptional(v.picklist(PAGE_SIZE_NAMES)),
    work: v.exactOptional(v.picklist(HOST_WORK_KINDS)),
  }),
  v.check(
    ({ leaf, pageSize, work }) => (leaf === undefined ? pageSize === undefined : !work),
    "covers calls of a leaf (of a page size), or host work, or the whole phase",
  ),
);

const Term = v.pipe(
  v.strictObject({
    term: Text,
    per: Per,
    covers: v.exactOptional(v.array(Cover)),
    price: FigureSchema,
  }),
  v.check(({ per, price }) => {
    const units: readonly FigureUnit[] = UNITS_OF_PER[per.kind];
    return units.includes(price.unit);
  }, "the price is in another unit than what it counts"),
);

const Span = v.pipe(
  v.strictObject({ low: NotNegative, high: NotNegative }),
  v.check(({ low, high }) => low > 0 && low <= high, "0 < low <= high fails"),
);

const Range = v.strictObject({
  memoryBytes: Span,
  vcpus: Span,
  pageSizes: v.pipe(v.array(v.picklist(PAGE_SIZE_NAMES)), v.minLength(1)),
  source: Text,
});

const Fit = v.strictObject({
  fit: Text,
  phases: v.array(Text),
  terms: v.array(Text),
  range: Range,
  tolerance: v.pipe(
    figureIn("ratio"),
    v.check(({ value }) => value < 1, "a tolerance is below 1"),
  ),
  toleranceAbove: v.exactOptional(figureIn("ratio")),
  widening: figureIn("ratio"),
  otherForm: v.exactOptional(
    v.strictObject({
      term: Text,
      pagesLeaf: Leaf,
      base: figureIn("ns/page"),
      slope: figureIn("ns/page/vCPU^1.5/GiB"),
      margin: figureIn("ratio"),
      spread: figureIn("ratio"),
      range: Range,
    }),
  ),
});

/** Schema of `tdx-sim/profile/v1`: a number without interval, basis and source is refused. */
export const ProfileSchema = v.pipe(
  v.strictObject({
    schema: v.literal("tdx-sim/profile/v1"),
    name: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9.-]{0,62}$/, "is not a profile name")),
    description: Text,
    terms: v.array(Term),
    fits: v.array(Fit),
  }),
  v.check(
    ({ terms }) => new Set(terms.map(({ term }) => term)).size === terms.length,
    "two terms have the same name",
  ),
  v.check(
    ({ terms, fits }) =>
      fits.every((fit) => fit.terms.every((name) => terms.some((t) => t.term === name))),
    "a fit names a term that is not there",
  ),
);

/**
 * A profile from parsed JSON. Throws a `data` Failure that names `origin` (a file name) and every
 * fault found, at most five, with its place.
 */
export function parseProfile(value: unknown, origin: string): Profile {
  const parsed = v.safeParse(ProfileSchema, value);
  if (parsed.success) return parsed.output;
  throw new Failure("data", `${origin} is not a cost profile: ${faultsIn(parsed.issues)}`, {
    hint: "every number needs value, low, high, unit, basis, source and conditions",
  });
}

/** What a schema found wrong, at most five faults, each with its place. */
export function faultsIn(issues: readonly v.BaseIssue<unknown>[]): string {
  const faults = issues.slice(0, 5).map((issue) => {
    const place = v.getDotPath(issue);
    return place === null ? issue.message : `${place}: ${issue.message}`;
  });
  return faults.join("; ");
}
