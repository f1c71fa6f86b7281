import type { Charge } from "../../cost/charges.ts";
import type { PhaseEstimate } from "../../cost/phase-estimate.ts";
import type { Per, Profile, Term } from "../../cost/profile.ts";
import { PAGE_SIZE_NAMES } from "../../ledger/phase-counts.ts";
import type { TraceKind } from "./recorder.ts";

/** How often something of a kind happened in a phase. */
export interface KindCount {
  readonly kind: TraceKind;
  readonly count: number;
}

const SUCCESS = "TDX_SUCCESS";

/**
 * Nanoseconds that one thing of each kind takes in a phase, in the order of `kinds`; counts times
 * these make the mid of the phase's estimate. A price that several leaves share is divided as the
 * estimate itself divides it, and evenly where nothing is known: a convention, for a drawing.
 */
export function unitTimes(
  kinds: readonly KindCount[],
  estimated: PhaseEstimate,
  profile: Profile,
): number[] {
  const times = kinds.map(() => 0);
  for (const charge of estimated.charges) {
    for (const { members, ns } of sharesOf(charge, kinds, profile))
      spread(kinds, times, members, ns);
  }
  const drawn = times.reduce((sum, time, index) => sum + time * countAt(kinds, index), 0);
  const { mid } = estimated.elapsedNs;
  // The fit's curve and rounding to whole nanoseconds part the sum of the charges from the mid.
  if (drawn > 0) return times.map((time) => (time * mid) / drawn);
  spread(kinds, times, indicesOf(kinds, isCall), mid);
  return times;
}

function countAt(kinds: readonly KindCount[], index: number): number {
  return kinds[index]?.count ?? 0;
}

type Test = (kind: TraceKind) => boolean;

function indicesOf(kinds: readonly KindCount[], test: Test): number[] {
  return kinds.flatMap(({ kind }, index) => (test(kind) ? [index] : []));
}

const isCall: Test = (kind) => kind.kind === "seamcall";

function succeeded(leaves: readonly string[]): Test {
  return (kind) =>
    kind.kind === "seamcall" && kind.status === SUCCESS && leaves.includes(kind.leaf);
}

/** Divides time evenly among all things of the member kinds. */
function spread(
  kinds: readonly KindCount[],
  times: number[],
  members: readonly number[],
  ns: number,
): void {
  const things = members.reduce((sum, index) => sum + countAt(kinds, index), 0);
  if (things === 0) return;
  for (const index of members) times[index] = (times[index] ?? 0) + ns / things;
}

interface Share {
  readonly members: readonly number[];
  readonly ns: number;
}

function sharesOf(charge: Charge, kinds: readonly KindCount[], profile: Profile): Share[] {
  const term = profile.terms.find((each) => each.term === charge.term);
  const ns = charge.time.mid;
  if (term === undefined) return [{ members: surchargedPages(charge, kinds, profile), ns }];
  if (charge.parts !== undefined) {
    return charge.parts.map(({ leaf, time }) => ({
      members: indicesOf(kinds, succeeded([leaf])),
      ns: time.mid,
    }));
  }
  return [{ members: indicesOf(kinds, testOf(term, profile)), ns }];
}

/** The second curve of a fit has no term: its charge is for every page (profile `otherForm`). */
function surchargedPages(charge: Charge, kinds: readonly KindCount[], profile: Profile): number[] {
  const form = profile.fits.find(({ otherForm }) => otherForm?.term === charge.term)?.otherForm;
  return form === undefined
    ? indicesOf(kinds, isCall)
    : indicesOf(kinds, succeeded([form.pagesLeaf]));
}

/** Which kinds a term prices, as `PhaseWork` takes them. */
function testOf({ per }: Term, profile: Profile): Test {
  switch (per.kind) {
    case "leaf":
      return (kind) => succeeded([per.leaf])(kind) && hasSize(kind, per.pageSize);
    case "group":
      return (kind) => succeeded(per.leaves)(kind) && hasSize(kind, per.pageSize);
    case "with-call":
      return succeeded(per.leaves);
    case "host-work":
      return (kind) => kind.kind === "host" && kind.work === per.work;
    case "phase":
      return isCall;
    case "failed-call":
      return (kind) => isFailure(kind, per.status);
    case "other-call": {
      const priced = profile.terms.flatMap((term) => leavesOf(term.per));
      return (kind) =>
        kind.kind === "seamcall" && kind.status === SUCCESS && !priced.includes(kind.leaf);
    }
  }
}

function leavesOf(per: Per): readonly string[] {
  if (per.kind === "leaf") return [per.leaf];
  return per.kind === "group" ? per.leaves : [];
}

function hasSize(kind: TraceKind, size: string | undefined): boolean {
  if (size === undefined || kind.kind !== "seamcall") return true;
  return size === (PAGE_SIZE_NAMES[kind.pageSize] ?? "4K");
}

function isFailure(kind: TraceKind, status: string | undefined): boolean {
  if (kind.kind !== "seamcall" || kind.status === SUCCESS) return false;
  return status === undefined || kind.status.split("|")[0] === status;
}
