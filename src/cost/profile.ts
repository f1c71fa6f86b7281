import type { HostWorkKind, PageSizeName } from "../ledger/phase-counts.ts";
import type { Basis } from "./interval.ts";

/** Units a figure may have: nanoseconds for each of something, or a bare ratio. */
export const FIGURE_UNITS = [
  "ns/call",
  "ns/group",
  "ns/page",
  "ns/kick",
  "ns/ipi",
  "ns/ioctl",
  "ns/teardown",
  "ns/page/vCPU^1.5/GiB",
  "ratio",
] as const;
export type FigureUnit = (typeof FIGURE_UNITS)[number];

/** A number that says where it comes from; nothing in a profile is a bare number. */
export interface Figure {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly unit: FigureUnit;
  readonly basis: Basis;
  readonly source: string;
  /** What it holds for, and what its interval covers. */
  readonly conditions: string;
}

/** What a term counts in the ledger. */
export type Per =
  /** Successful calls of a leaf; without a page size, those no other term took. */
  | { readonly kind: "leaf"; readonly leaf: string; readonly pageSize?: PageSizeName | undefined }
  /** Calls that always come together and were only ever timed together; of any page size or one. */
  | {
      readonly kind: "group";
      readonly leaves: readonly string[];
      readonly pageSize?: PageSizeName | undefined;
    }
  | { readonly kind: "host-work"; readonly work: HostWorkKind }
  /** What the host does once beside each successful call of these leaves, besides the call. */
  | { readonly kind: "with-call"; readonly leaves: readonly string[] }
  /** Once, when anything happened in the phase. */
  | { readonly kind: "phase"; readonly phase: string }
  /** Calls that returned this status, operand or not; without one, any but TDX_SUCCESS. */
  | { readonly kind: "failed-call"; readonly status?: string | undefined }
  /** Successful calls that no other term takes: of leaves whose cost nobody measured. */
  | { readonly kind: "other-call" };

/** Ledger entries that a term's price already contains. Without leaf and work: the whole phase. */
export interface Cover {
  readonly phase: string;
  readonly leaf?: string | undefined;
  /** Without one: calls on pages of every size. */
  readonly pageSize?: PageSizeName | undefined;
  readonly work?: HostWorkKind | undefined;
}

/** One summand of an estimate: a count from the ledger times a price. */
export interface Term {
  readonly term: string;
  readonly per: Per;
  readonly covers?: readonly Cover[] | undefined;
  readonly price: Figure;
}

export interface Span {
  readonly low: number;
  readonly high: number;
}

/** The TDs that were measured. */
export interface MeasuredRange {
  readonly memoryBytes: Span;
  readonly vcpus: Span;
  /** Sizes of the pages that were removed or reclaimed. */
  readonly pageSizes: readonly PageSizeName[];
  readonly source: string;
}

/**
 * A second curve through the same measurements that parts from the first beyond the range:
 * `pages * (base + slope * vcpus^1.5 * GiB)`.
 */
export interface OtherForm {
  /** Name of the term that carries the difference. */
  readonly term: string;
  /** Successful calls of this leaf are the pages. */
  readonly pagesLeaf: string;
  readonly base: Figure;
  readonly slope: Figure;
  /** Added to the upper curve. */
  readonly margin: Figure;
  /** The highest estimate is at most this many times the lowest. */
  readonly spread: Figure;
  /** Up to where the curve was drawn through a measurement. */
  readonly range: MeasuredRange;
}

/** Terms that were fitted together, and how far the sum of them can be trusted. */
export interface Fit {
  readonly fit: string;
  /** The phases it speaks of. */
  readonly phases: readonly string[];
  /** Their sum is what was fitted: it has the tolerance, not each of them. */
  readonly terms: readonly string[];
  readonly range: MeasuredRange;
  /** Inside the range: minus this share, and plus it unless there is another for that. */
  readonly tolerance: Figure;
  readonly toleranceAbove?: Figure | undefined;
  /** Outside: this much wider for each doubling of the distance. */
  readonly widening: Figure;
  readonly otherForm?: OtherForm | undefined;
}

/** Prices of everything a ledger counts. */
export interface Profile {
  readonly schema: "tdx-sim/profile/v1";
  readonly name: string;
  readonly description: string;
  readonly terms: readonly Term[];
  readonly fits: readonly Fit[];
}

/** The text a profile's checksum is taken of, and the text a profile file has. */
export function profileText(profile: Profile): string {
  return `${JSON.stringify(profile, null, 2)}\n`;
}
