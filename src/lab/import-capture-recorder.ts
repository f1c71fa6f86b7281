import type { Interval } from "../cost/interval.ts";
import { Failure } from "../units/failure.ts";

/** What a capture says of one leaf. */
export interface CapturedLeaf {
  readonly calls: number | null;
  /** What they took together; a histogram knows only between which ends. */
  readonly ns: Interval | null;
}

/** One bucket of a histogram: `count` calls between two times, nanoseconds. */
export interface Bucket {
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/** What readers of one tool's output have in common: they take a line, or leave it. */
export interface CaptureReader {
  take(line: string, at: string): boolean;
}

/** Nanoseconds of the units that the tools print. */
export const UNIT_NS: Readonly<Record<string, number>> = {
  ns: 1,
  nsec: 1,
  nsecs: 1,
  us: 1e3,
  usec: 1e3,
  usecs: 1e3,
  ms: 1e6,
  msec: 1e6,
  msecs: 1e6,
  s: 1e9,
  sec: 1e9,
  secs: 1e9,
};

/** Collects what the lines of a capture say, whichever tool wrote them. */
export class CaptureRecorder {
  readonly #calls = new Map<string, number>();
  readonly #sums = new Map<string, number>();
  readonly #buckets = new Map<string, Bucket[]>();
  #elapsedNs: number | null = null;
  #lost = 0;

  /** Events that the tool says it dropped. */
  get lost(): number {
    return this.#lost;
  }

  get elapsedNs(): number | null {
    return this.#elapsedNs;
  }

  calls(leaf: string, count: number): void {
    this.#calls.set(leaf, (this.#calls.get(leaf) ?? 0) + count);
  }

  /** The exact sum of what the calls of a leaf took. */
  sum(leaf: string, ns: number): void {
    this.#sums.set(leaf, (this.#sums.get(leaf) ?? 0) + ns);
  }

  bucket(leaf: string, bucket: Bucket): void {
    this.#buckets.set(leaf, [...(this.#buckets.get(leaf) ?? []), bucket]);
  }

  elapsed(ns: number): void {
    this.#elapsedNs = ns;
  }

  lose(events: number): void {
    this.#lost += events;
  }

  /** Leaves in order of their names; sums before histograms, counts before buckets. */
  leaves(): Map<string, CapturedLeaf> {
    const names = [...this.#calls.keys(), ...this.#sums.keys(), ...this.#buckets.keys()];
    return new Map([...new Set(names)].sort().map((leaf) => [leaf, this.#leaf(leaf)]));
  }

  #leaf(leaf: string): CapturedLeaf {
    const buckets = this.#buckets.get(leaf);
    const counted = buckets?.reduce((sum, { count }) => sum + count, 0) ?? null;
    const sum = this.#sums.get(leaf);
    const exact = sum === undefined ? null : { low: sum, mid: sum, high: sum };
    return {
      calls: this.#calls.get(leaf) ?? counted,
      ns: exact ?? (buckets === undefined ? null : sumOf(buckets)),
    };
  }
}

function sumOf(buckets: readonly Bucket[]): Interval {
  let low = 0;
  let high = 0;
  for (const bucket of buckets) {
    low += bucket.low * bucket.count;
    high += bucket.high * bucket.count;
  }
  return { low, mid: (low + high) / 2, high };
}

/** A count as the tools print it, thousands set apart or not. */
export function parseCount(text: string, at: string): number {
  const digits = text
    .replaceAll(/[,\u00a0\u202f']/g, "")
    .replace(/^(\d{1,3})((?:\.\d{3})+)$/, (all) => all.replaceAll(".", ""));
  const count = Number(digits);
  if (/^\d+$/.test(digits) && Number.isSafeInteger(count)) return count;
  throw new Failure("data", `${at}: "${text}" is not a count`);
}
