import type { HostWorkKind, PhaseCounts } from "../ledger/phase-counts.ts";
import { type Basis, type EstimatedInterval, type Interval, scaleInterval } from "./interval.ts";
import { PhaseWork, type Taken } from "./phase-work.ts";
import type { Cover, Figure, Per, Profile, Term } from "./profile.ts";

/** What one leaf has of a group's time: a convention, for the group was only timed together. */
export interface ChargePart {
  readonly leaf: string;
  /** Nanoseconds, not rounded. */
  readonly time: EstimatedInterval;
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

/** What of a profile is the same for every phase. */
interface PriceList {
  readonly covers: readonly Cover[];
  /** Places of the terms in the profile, in the order in which they take. */
  readonly order: readonly number[];
  readonly pricedWork: ReadonlySet<HostWorkKind>;
}

/** Profiles do not change, and a sweep prices thousands of phases by the same one. */
const known = new WeakMap<Profile, PriceList>();

function priceListOf(profile: Profile): PriceList {
  let list = known.get(profile);
  if (list === undefined) {
    const { terms } = profile;
    const ranks = terms.map(({ per }) => rank(per));
    const work = terms.flatMap(({ per }) => (per.kind === "host-work" ? [per.work] : []));
    list = {
      covers: terms.flatMap(({ covers }) => covers ?? []),
      order: [...terms.keys()].sort((a, b) => (ranks[a] as number) - (ranks[b] as number)),
      pricedWork: new Set(work),
    };
    known.set(profile, list);
  }
  return list;
}

/** Prices the counts of one phase; terms that count nothing there give no charge. */
export function chargePhase(counts: PhaseCounts, profile: Profile): PhaseCharges {
  const { covers, order, pricedWork } = priceListOf(profile);
  const { terms } = profile;
  const work = new PhaseWork(counts);
  for (const cover of covers) if (cover.phase === counts.phase) work.cover(cover);
  const taken = new Array<readonly Taken[]>(terms.length);
  let guessed: readonly string[] = [];
  for (const place of order) {
    const { per } = terms[place] as Term;
    if (per.kind === "other-call") guessed = [...guessed, ...work.leavesLeft()];
    taken[place] = work.take(per);
  }
  const charges: Charge[] = [];
  for (let place = 0; place < terms.length; place++) {
    const term = terms[place] as Term;
    for (const each of taken[place] as readonly Taken[]) {
      if (each.count > 0) charges.push(charge(counts.phase, term, each));
    }
  }
  return { charges, unpriced: work.unpriced(pricedWork), guessed };
}
