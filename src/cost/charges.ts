import type { PhaseCounts } from "../ledger/phase-counts.ts";
import { type Basis, type EstimatedTime, type Interval, scaleInterval } from "./interval.ts";
import { PhaseWork, type Taken } from "./phase-work.ts";
import type { Figure, Per, Profile, Term } from "./profile.ts";

/** What one leaf has of a group's time: a convention, for the group was only timed together. */
export interface ChargePart {
  readonly leaf: string;
  /** Nanoseconds, not rounded. */
  readonly time: EstimatedTime;
}

/** One line of the sum an estimate is: a count from the ledger times a price. */
export interface Charge {
  readonly phase: string;
  readonly term: string;
  readonly count: number;
  /** Nanoseconds for one, which is part of a group's price where `share` is below 1. */
  readonly price: Interval;
  /** Nanoseconds, not rounded. */
  readonly time: Interval;
  readonly basis: Basis;
  /** False where only part of a group was called: such a split was never measured. */
  readonly whole: boolean;
  /** The leaves of a complete group in equal parts; absent for everything else. */
  readonly parts?: readonly ChargePart[];
}

export interface PhaseCharges {
  readonly charges: readonly Charge[];
  /** Leaves and host work for which the profile has no price. */
  readonly unpriced: readonly string[];
  /** Leaves that have only the price of any other call. */
  readonly guessed: readonly string[];
}

/** The more specific term takes first: covered, groups, sizes and statuses, then the rest. */
function rank(per: Per): number {
  switch (per.kind) {
    case "group":
      return 0;
    case "leaf":
      return per.pageSize === undefined ? 2 : 1;
    case "failed-call":
      return per.status === undefined ? 2 : 1;
    case "host-work":
    case "with-call":
    case "phase":
      return 3;
    case "other-call":
      return 4;
  }
}

function equalParts(leaves: readonly string[], time: Interval): ChargePart[] {
  const mid = time.mid / leaves.length;
  return leaves.map((leaf) => ({ leaf, time: { low: 0, mid, high: time.high, basis: "assumed" } }));
}

function charge(phase: string, term: Term, { count, share }: Taken): Charge {
  const figure: Figure = term.price;
  const whole = share === 1;
  // Part of a group costs at most the group and perhaps nothing: the split was never timed.
  const price = whole
    ? { low: figure.low, mid: figure.value, high: figure.high }
    : { low: 0, mid: figure.value * share, high: figure.high };
  const time = scaleInterval(price, count);
  const basis = whole ? figure.basis : "assumed";
  const sum = { phase, term: term.term, count, price, time, basis, whole };
  if (term.per.kind !== "group" || !whole) return sum;
  return { ...sum, parts: equalParts(term.per.leaves, time) };
}

/** Prices the counts of one phase; terms that count nothing there give no charge. */
export function chargePhase(counts: PhaseCounts, profile: Profile): PhaseCharges {
  const work = new PhaseWork(counts);
  for (const { covers } of profile.terms) for (const cover of covers ?? []) work.cover(cover);
  const ordered = profile.terms.toSorted((a, b) => rank(a.per) - rank(b.per));
  const taken = new Map<Term, readonly Taken[]>();
  const guessed: string[] = [];
  for (const term of ordered) {
    if (term.per.kind === "other-call") guessed.push(...work.leavesLeft());
    taken.set(term, work.take(term.per));
  }
  const charges = profile.terms.flatMap((term) =>
    (taken.get(term) ?? [])
      .filter(({ count }) => count > 0)
      .map((each) => charge(counts.phase, term, each)),
  );
  const priced = profile.terms.flatMap(({ per }) => (per.kind === "host-work" ? [per.work] : []));
  return { charges, unpriced: work.unpriced(new Set(priced)), guessed };
}
