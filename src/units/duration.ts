/** Nanoseconds of the units in which times are told, smallest first. */
export const NS_PER = {
  ns: 1,
  us: 1e3,
  ms: 1e6,
  s: 1e9,
  min: 60e9,
  h: 3600e9,
  d: 24 * 3600e9,
} as const;

/** Largest first; a unit is taken from `from` of it upwards, so that two digits say enough. */
const UNITS = [
  { name: "d", from: 4.2 },
  { name: "h", from: 99.5 / 60 },
  { name: "min", from: 99.5 / 60 },
  { name: "s", from: 0.995 },
  { name: "ms", from: 0.995 },
  { name: "us", from: 0.995 },
] as const;

interface Spoken {
  readonly digits: string;
  readonly unit: string;
}

/** A number from 1e-6 upwards with two significant digits: `4.6`, `72`, `120`, `0.25`. */
export function formatTwoDigits(value: number): string {
  if (value === 0) return "0";
  const digits = value.toPrecision(2);
  return digits.includes("e") ? String(Number(digits)) : digits;
}

/** A share with two significant digits: `4.6 %`, `120 %`. */
export function formatPercent(share: number): string {
  return `${formatTwoDigits(share * 100)} %`;
}

function speak(ns: number): Spoken {
  if (ns === 0) return { digits: "0", unit: "s" };
  const unit = UNITS.find(({ name, from }) => ns >= from * NS_PER[name])?.name ?? "ns";
  return { digits: formatTwoDigits(ns / NS_PER[unit]), unit };
}

/** A duration in nanoseconds with two significant digits: `340 ms`, `72 s`, `7.8 min`, `92 min`. */
export function formatDuration(ns: number): string {
  const { digits, unit } = speak(ns);
  return `${digits} ${unit}`;
}

/** A time in nanoseconds, its range and its basis: `64 s (58 to 71 s, assumed)`. */
export function formatEstimate(estimate: {
  readonly low: number;
  readonly mid: number;
  readonly high: number;
  readonly basis: string;
}): string {
  const { low, mid, high, basis } = estimate;
  return `${formatDuration(mid)} (${formatDurationRange(low, high)}, ${basis})`;
}

/** Both ends of a range in nanoseconds, the unit told once where it is the same: `65 to 80 s`. */
export function formatDurationRange(lowNs: number, highNs: number): string {
  const low = speak(lowNs);
  const high = speak(highNs);
  if (lowNs === 0) return `0 to ${high.digits} ${high.unit}`;
  const shared = low.unit === high.unit;
  return `${low.digits}${shared ? "" : ` ${low.unit}`} to ${high.digits} ${high.unit}`;
}
