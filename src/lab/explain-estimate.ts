import type { Charge, ChargePart } from "../cost/charges.ts";
import { type Estimate, estimate } from "../cost/estimate.ts";
import {
  type EstimatedInterval,
  type Interval,
  roundInterval,
  sumIntervals,
} from "../cost/interval.ts";
import type { Figure, Profile } from "../cost/profile.ts";
import { profileSha256 } from "../cost/profile-checksum.ts";
import type { PhaseCounts } from "../ledger/phase-counts.ts";
import { findGeneration, strategyOf } from "./kernels.ts";
import type { TdOptions } from "./td-options.ts";
import type { Session } from "./teardown.ts";
import { countLife } from "./teardown-counts.ts";
import { type Circumstances, estimateTeardown } from "./teardown-estimate.ts";
import { MODULE_VERSION, VERSION } from "./version.ts";
import { isAtWork } from "./what-if.ts";

/** A summand: count times price, over all phases in which the price was charged. */
export interface ExplainedTerm {
  readonly term: string;
  readonly phases: readonly string[];
  readonly count: number;
  /** Nanoseconds for one. */
  readonly priceNs: EstimatedInterval;
  readonly timeNs: EstimatedInterval;
  /** Where the price comes from and what it holds for. */
  readonly source: string;
  readonly conditions: string;
  /** Leaves of a price that is only known for all of them together; each part is assumed. */
  readonly parts?: readonly { readonly leaf: string; readonly timeNs: EstimatedInterval }[];
}

/** Prices that were fitted together, and how far their sum can be trusted. */
export interface ExplainedFit {
  readonly fit: string;
  readonly terms: readonly string[];
  readonly tolerance: Figure;
  readonly toleranceAbove?: Figure;
}

/** What an estimate is the sum of: `tdx-sim/explanation/v1`. */
export interface Explanation {
  readonly schema: "tdx-sim/explanation/v1";
  readonly simulated: true;
  readonly version: string;
  readonly kernel: string;
  readonly module: string;
  readonly profile: { readonly name: string; readonly sha256: string };
  /** A strategy, or `create` or `populate`. */
  readonly subject: string;
  readonly td: {
    readonly memoryBytes: number;
    readonly populatedBytes: number;
    readonly vcpus: number;
    readonly pageSize: string;
  };
  /** Largest first; their values make the value of the whole, but for rounding. */
  readonly terms: readonly ExplainedTerm[];
  readonly phases: readonly { readonly phase: string; readonly elapsedNs: EstimatedInterval }[];
  readonly elapsedNs: Estimate["elapsedNs"];
  readonly fits: readonly ExplainedFit[];
}

/** What else than a strategy can be explained, and the ioctls it consists of. */
export const BUILDING = {
  create: ["KVM_TDX_INIT_VM", "KVM_TDX_INIT_VCPU"],
  populate: ["KVM_TDX_INIT_MEM_REGION", "KVM_TDX_FINALIZE_VM", "KVM_RUN"],
} as const satisfies Record<string, readonly string[]>;

/**
 * The sum that an estimate is: of a teardown by a strategy, or of `create` or `populate`.
 *
 * @throws Failure as `destroyFresh`; RunStopped
 */
export async function explainEstimate(
  options: TdOptions,
  subject: string,
  session: Session,
): Promise<Explanation> {
  const { profile } = session;
  const isBuilding = subject === "create" || subject === "populate";
  const counts = await countLife(options, isBuilding ? "runtime" : subject, session);
  const ioctls: readonly string[] = isBuilding ? BUILDING[subject] : [];
  const phases = isBuilding
    ? counts.life.filter(({ phase }) => ioctls.includes(phase))
    : counts.teardown;
  const { memoryBytes, populatedBytes, vcpus, pageSize, kernel } = options;
  const size = { memoryBytes, populatedBytes, vcpus };
  const priced = isBuilding
    ? estimate(phases, size, profile)
    : estimateTeardown(phases, size, profile, circumstances(kernel, subject, session));
  return {
    schema: "tdx-sim/explanation/v1",
    simulated: true,
    version: VERSION,
    kernel,
    module: MODULE_VERSION,
    profile: { name: profile.name, sha256: profileSha256(profile) },
    subject,
    td: { memoryBytes, populatedBytes, vcpus, pageSize },
    terms: explainTerms(priced, profile),
    phases: priced.phases.map(({ phase, elapsedNs }) => ({ phase, elapsedNs })),
    elapsedNs: priced.elapsedNs,
    fits: explainFits(phases, profile),
  };
}

function circumstances(kernel: string, strategy: string, { whatIf = [] }: Session): Circumstances {
  const generation = findGeneration(kernel);
  const taken = strategyOf(generation, strategy);
  return { generation, whatIfs: whatIf.filter((each) => isAtWork(each, taken)) };
}

function explainTerms(priced: Estimate, profile: Profile): ExplainedTerm[] {
  const same = new Map<string, Charge[]>();
  for (const charge of priced.phases.flatMap(({ charges }) => charges)) {
    const key = JSON.stringify([charge.term, charge.price]);
    same.set(key, [...(same.get(key) ?? []), charge]);
  }
  const terms = [...same.values()].map((charges) => termOf(charges, profile));
  return terms.sort((a, b) => b.timeNs.mid - a.timeNs.mid || (a.term < b.term ? -1 : 1));
}

function termOf(charges: readonly Charge[], profile: Profile): ExplainedTerm {
  const [first] = charges;
  if (first === undefined) throw new Error("a term was charged in no phase");
  const { term, price, basis, parts } = first;
  const { source, conditions } = figureOf(term, profile);
  const count = charges.reduce((sum, charge) => sum + charge.count, 0);
  return {
    term,
    phases: charges.map(({ phase }) => phase),
    count,
    priceNs: { ...price, basis },
    timeNs: whole(
      charges.map(({ time }) => time),
      basis,
    ),
    source,
    conditions,
    ...(parts === undefined ? {} : { parts: partsOf(charges) }),
  };
}

function partsOf(charges: readonly Charge[]): NonNullable<ExplainedTerm["parts"]> {
  const all = charges.flatMap(({ parts }) => parts ?? []);
  const times = (leaf: string): EstimatedInterval[] =>
    all.filter((part: ChargePart) => part.leaf === leaf).map(({ time }) => time);
  return [...new Set(all.map(({ leaf }) => leaf))].map((leaf) => ({
    leaf,
    timeNs: whole(times(leaf), "assumed"),
  }));
}

function whole(times: readonly Interval[], basis: EstimatedInterval["basis"]): EstimatedInterval {
  return { ...roundInterval(sumIntervals(times)), basis };
}

function figureOf(term: string, { terms, fits }: Profile): Figure {
  const own = terms.find((each) => each.term === term)?.price;
  const other = fits.find(({ otherForm }) => otherForm?.term === term)?.otherForm?.slope;
  const figure = own ?? other;
  if (figure === undefined) throw new Error(`the profile has no term ${term}`);
  return figure;
}

function explainFits(phases: readonly PhaseCounts[], profile: Profile): ExplainedFit[] {
  const names = phases.map(({ phase }) => phase);
  return profile.fits
    .filter((fit) => fit.phases.some((phase) => names.includes(phase)))
    .map(({ fit, terms, tolerance, toleranceAbove }) => ({
      fit,
      terms,
      tolerance,
      ...(toleranceAbove === undefined ? {} : { toleranceAbove }),
    }));
}
