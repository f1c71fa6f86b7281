import type { PhaseCounts } from "../ledger/phase-counts.ts";
import { type Basis, type Interval, scaleInterval } from "./interval.ts";
import { PhaseWork, type Taken } from "./phase-work.ts";
import type { Figure, Per, Profile, Term } from "./profile.ts";

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
}

export interface PhaseCharges {
  readonly charges: readonly Charge[];
  /** Leaves and host work for which the profile has no price. */
  readonly unpriced: readonly string[];
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
    case "phase":
      return 3;
  }
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
  return { phase, term: term.term, count, price, time, basis, whole };
}

/** Prices the counts of one phase; terms that count nothing there give no charge. */
export function chargePhase(counts: PhaseCounts, profile: Profile): PhaseCharges {
  const work = new PhaseWork(counts);
  for (const { covers } of profile.terms) for (const cover of covers ?? []) work.cover(cover);
  const ordered = profile.terms.toSorted((a, b) => rank(a.per) - rank(b.per));
  const taken = new Map(ordered.map((term) => [term, work.take(term.per)]));
  const charges = profile.terms.flatMap((term) =>
    (taken.get(term) ?? [])
      .filter(({ count }) => count > 0)
      .map((each) => charge(counts.phase, term, each)),
  );
  const priced = profile.terms.flatMap(({ per }) => (per.kind === "host-work" ? [per.work] : []));
  return { charges, unpriced: work.unpriced(new Set(priced)) };
}
