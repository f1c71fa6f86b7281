import { formatSize } from "../units/size.ts";
import type { MeasuredRange, Span } from "./profile.ts";

/** The TD an estimate is for, as far as prices depend on it. */
export interface TdSize {
  readonly memoryBytes: number;
  /** Bytes of private memory mapped when the teardown began. */
  readonly populatedBytes: number;
  readonly vcpus: number;
}

/** Further away than this nothing gets worse: the estimate is worth nothing as it is. */
const FARTHEST = 1024;

function distance(value: number, { low, high }: Span): number {
  if (value > high) return Math.min(value / high, FARTHEST);
  return value < low ? Math.min(low / Math.max(value, low / FARTHEST), FARTHEST) : 1;
}

/** Log2 without rounding differences between engines: exact at powers of two, straight between. */
function doublings(ratio: number): number {
  let whole = 0;
  let rest = ratio;
  for (; rest >= 2; rest /= 2) whole += 1;
  return whole + rest - 1;
}

/** How many doublings the TD is away from what was measured; 0 inside. */
export function doublingsOutside(td: TdSize, range: MeasuredRange): number {
  return doublings(
    Math.max(
      distance(td.memoryBytes, range.memoryBytes),
      distance(td.populatedBytes, range.memoryBytes),
      distance(td.vcpus, range.vcpus),
    ),
  );
}

function between({ low, high }: Span, format: (value: number) => string): string {
  return low === high ? format(low) : `${format(low)} to ${format(high)}`;
}

/** What of the TD lies outside the range, one sentence for each; empty inside. */
export function reasonsOutside(td: TdSize, range: MeasuredRange, what: string): string[] {
  const { memoryBytes, vcpus } = range;
  const reasons: string[] = [];
  if (distance(td.vcpus, vcpus) > 1) {
    reasons.push(`${what} was measured at ${between(vcpus, String)} vCPUs, not ${td.vcpus}.`);
  }
  const isOutside = distance(td.memoryBytes, memoryBytes) > 1;
  if (isOutside || distance(td.populatedBytes, memoryBytes) > 1) {
    const sizes = between(memoryBytes, formatSize);
    const own = isOutside
      ? formatSize(td.memoryBytes)
      : `with ${formatSize(td.populatedBytes)} mapped`;
    reasons.push(`${what} was measured at ${sizes}, not ${own}.`);
  }
  return reasons;
}
