import { PAGE_SIZE_NAMES, type PageSizeName, type PhaseCounts } from "../ledger/phase-counts.ts";
import { GIB, PAGES_PER_1G, PAGES_PER_2M } from "../units/page.ts";
import { formatSize } from "../units/size.ts";
import { type Charge, chargePhase } from "./charges.ts";
import {
  type Basis,
  type EstimatedInterval,
  type Interval,
  roundInterval,
  sumIntervals,
  weakestBasis,
} from "./interval.ts";
import { doublingsOutside, reasonsOutside, type TdSize } from "./measured-range.ts";
import type { Fit, MeasuredRange, OtherForm, Profile } from "./profile.ts";

/** The estimate of one phase. */
export interface PhaseEstimate {
  readonly phase: string;
  /** Whole nanoseconds. */
  readonly elapsedNs: EstimatedInterval;
  /** Why it leaves what was measured, one sentence each; empty when it does not. */
  readonly reasons: readonly string[];
  /** What it is the sum of: their mids make its mid, but for rounding. */
  readonly charges: readonly Charge[];
}

interface FittedTime {
  readonly time: Interval;
  /** What the mid has above the sum of the charges, as a charge of its own. */
  readonly surcharge?: Charge;
}

function isBeyond({ memoryBytes, populatedBytes, vcpus }: TdSize, range: MeasuredRange): boolean {
  return vcpus > range.vcpus.high || Math.max(memoryBytes, populatedBytes) > range.memoryBytes.high;
}

/** Successful calls of the leaf that stands for pages, in units of 4 KiB. */
function pagesOf(counts: PhaseCounts, leaf: string): number {
  const { "2M": large = 0, "1G": huge = 0 } = counts.largePageCalls[leaf] ?? {};
  let pages = counts.seamcalls.byLeaf[leaf] ?? 0;
  pages += large * (PAGES_PER_2M - 1) + huge * (PAGES_PER_1G - 1);
  for (const failed of counts.failedCalls) {
    if (failed.leaf !== leaf) continue;
    const size = failed.pageSize;
    pages -= failed.count * (size === "2M" ? PAGES_PER_2M : size === "1G" ? PAGES_PER_1G : 1);
  }
  return pages;
}

function otherFormTime(form: OtherForm, td: TdSize, pages: number): number {
  // Written with a square root: unlike a power it is the same to the last bit everywhere.
  const grown = td.vcpus * Math.sqrt(td.vcpus) * (td.populatedBytes / GIB);
  return pages * (form.base.value + form.slope.value * grown);
}

function surcharge(form: OtherForm, phase: string, pages: number, time: Interval): Charge {
  const price = { low: time.low / pages, mid: time.mid / pages, high: time.high / pages };
  return { phase, term: form.term, count: pages, price, time, basis: "assumed", whole: true };
}

/**
 * The time of charges that were fitted together: their sum with the tolerance of the fit, wider
 * for each doubling outside its range. Where a second curve fits the data as well, the range
 * spans both, and the value is their geometric mean: nothing says which is right.
 */
function fittedTime(sum: number, fit: Fit, td: TdSize, counts: PhaseCounts): FittedTime {
  const form = fit.otherForm;
  const below = 1 - fit.tolerance.value;
  const above = 1 + (fit.toleranceAbove ?? fit.tolerance).value;
  const wider = 1 + fit.widening.value * doublingsOutside(td, form?.range ?? fit.range);
  const pages = form === undefined ? 0 : pagesOf(counts, form.pagesLeaf);
  if (form === undefined || pages === 0 || !isBeyond(td, fit.range)) {
    const low = (sum * below) / wider;
    return { time: { low, mid: sum, high: sum * above * wider } };
  }
  const other = otherFormTime(form, td, pages);
  const low = (Math.min(sum, other) * below) / wider;
  const open = Math.max(sum * above, other * (1 + form.margin.value)) * wider;
  const high = Math.max(Math.min(open, low * form.spread.value), sum);
  const upper = Math.min(other, high / (1 + form.margin.value));
  const mid = upper > sum ? Math.sqrt(sum * upper) : sum;
  const extra = { low: 0, mid: mid - sum, high: high - sum };
  return { time: { low, mid, high }, surcharge: surcharge(form, counts.phase, pages, extra) };
}

/** Pages of a size the fit did not see: each price with its own interval. */
function unfittedTime(
  charges: readonly Charge[],
  fit: Fit,
  td: TdSize,
  counts: PhaseCounts,
): Interval {
  const sum = sumIntervals(charges.map(({ time }) => time));
  const form = fit.otherForm;
  const wider = 1 + fit.widening.value * doublingsOutside(td, form?.range ?? fit.range);
  let high = sum.high;
  if (form !== undefined && isBeyond(td, fit.range)) {
    const other = otherFormTime(form, td, pagesOf(counts, form.pagesLeaf));
    high = Math.max(high, Math.min(other * (1 + form.margin.value), high * form.spread.value));
  }
  return { low: sum.low / wider, mid: sum.mid, high: high * wider };
}

/** The largest pages that were handled in a phase. */
function largestPages({ largePageCalls }: PhaseCounts): PageSizeName {
  let largest: PageSizeName = "4K";
  for (const leaf in largePageCalls) {
    const { "2M": large = 0, "1G": huge = 0 } = largePageCalls[leaf] ?? {};
    if (huge > 0) return "1G";
    if (large > 0) largest = "2M";
  }
  return largest;
}

/** The fit that speaks of a phase; if there is a choice, the one that saw pages of this size. */
function fitOf(profile: Profile, phase: string, size: PageSizeName): Fit | undefined {
  let first: Fit | undefined;
  for (const fit of profile.fits) {
    if (!fit.phases.includes(phase)) continue;
    if (fit.range.pageSizes.includes(size)) return fit;
    first ??= fit;
  }
  return first;
}

function reasonsOf(fit: Fit, td: TdSize, size: PageSizeName): string[] {
  const { pageSizes } = fit.range;
  const reasons = reasonsOutside(td, fit.range, fit.fit);
  if (!pageSizes.includes(size)) {
    const seen = PAGE_SIZE_NAMES.filter((name) => pageSizes.includes(name)).join(" and ");
    reasons.push(`${fit.fit} was measured with pages of ${seen}, not of ${size}.`);
  }
  if (fit.otherForm !== undefined && isBeyond(td, fit.range)) {
    const { vcpus, memoryBytes } = fit.range;
    reasons.push(
      `Beyond ${vcpus.high} vCPUs or ${formatSize(memoryBytes.high)} two curves fit the ` +
        `measurements of ${fit.fit}, and the range spans both.`,
    );
  }
  return reasons;
}

/** Prices one phase of a ledger for a TD; counts without a price are named in `reasons`. */
export function estimatePhase(counts: PhaseCounts, td: TdSize, profile: Profile): PhaseEstimate {
  const { charges, unpriced, guessed } = chargePhase(counts, profile);
  const size = largestPages(counts);
  const fit = fitOf(profile, counts.phase, size);
  const unseen = fit !== undefined && !fit.range.pageSizes.includes(size);
  const reasons = fit === undefined ? [] : reasonsOf(fit, td, size);
  reasons.unshift(
    ...unpriced.map((what) => `The profile has no price for ${what}: it counts as nothing.`),
    ...guessed.map((leaf) => `The profile has no price for ${leaf}: it counts as any other call.`),
  );
  const parts: Interval[] = [];
  const bases: Basis[] = [];
  let fitted = 0;
  let fittedSum = 0;
  for (const charge of charges) {
    bases.push(charge.basis);
    if (unseen) continue;
    if (fit !== undefined && charge.whole && fit.terms.includes(charge.term)) {
      fitted += 1;
      fittedSum += charge.time.mid;
    } else parts.push(charge.time);
  }
  if (unseen) parts.push(unfittedTime(charges, fit, td, counts));
  let all = charges;
  if (fit !== undefined && fitted > 0) {
    const { time, surcharge: extra } = fittedTime(fittedSum, fit, td, counts);
    parts.push(time);
    if (extra !== undefined) {
      all = [...charges, extra];
      bases.push(extra.basis);
    }
    bases.push(fit.tolerance.basis);
  }
  // What other prices contain has no time of its own here, and that nothing is no exact nothing.
  if (reasons.length > 0 || all.length === 0) bases.push("assumed");
  const { low, mid, high } = roundInterval(sumIntervals(parts));
  const elapsedNs = { low, mid, high, basis: weakestBasis(bases) };
  return { phase: counts.phase, elapsedNs, reasons, charges: all };
}
