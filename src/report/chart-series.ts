import { formatCount } from "../units/count.ts";
import { formatSize } from "../units/size.ts";
import { escapeControls } from "./control-characters.ts";
import type { FlatRow } from "./rows.ts";

/** What a grid point came to; times in nanoseconds. */
export interface SweepPoint {
  readonly x: number;
  readonly low: number;
  readonly mid: number;
  readonly high: number;
  readonly basis: string;
  readonly seamcalls: number;
}

export interface SweepSeries {
  readonly name: string;
  /** In the order of x. */
  readonly points: readonly SweepPoint[];
}

/** The rows of a sweep as lines over one of the dimensions of its grid. */
export interface SweepFigure {
  readonly xLabel: string;
  readonly formatX: (x: number) => string;
  /** True where the values of x grow by factors. */
  readonly xLog: boolean;
  readonly series: readonly SweepSeries[];
  readonly profile: string;
  readonly version: string;
  /** What is the same at every point. */
  readonly constants: string;
}

/** Where the times of points lie on an axis. */
export interface TimeSpan {
  readonly isLog: boolean;
  readonly low: number;
  readonly high: number;
}

interface Dimension {
  readonly field: string;
  readonly label: string;
  readonly format: (value: number) => string;
}

/** What can be drawn to the right, the first wins where several have as many values. */
const DIMENSIONS: readonly Dimension[] = [
  { field: "memoryBytes", label: "private memory", format: formatSize },
  { field: "vcpus", label: "vCPUs", format: formatCount },
  { field: "platform.packages", label: "packages", format: formatCount },
];

const NAMED = ["strategy", "kernel", "pageSize", "profile.name"] as const;
const LOG_SPREAD_MIN = 8;
const TIME_SPREAD_MAX = 20;

/** Null where no dimension has two values: there is nothing to draw a line over. */
export function sweepFigure(rows: readonly FlatRow[]): SweepFigure | null {
  const counted = DIMENSIONS.map((dimension) => ({
    dimension,
    values: valuesOf(rows, dimension.field),
  }));
  const best = counted.reduce((most, each) => (each.values.size > most.values.size ? each : most));
  if (best.values.size < 2) return null;
  const { field, label, format } = best.dimension;
  const others = DIMENSIONS.filter((dimension) => dimension.field !== field);
  const varying = others.filter((dimension) => valuesOf(rows, dimension.field).size > 1);
  const named = NAMED.filter((name) => name === "strategy" || valuesOf(rows, name).size > 1);
  const nameOf = (row: FlatRow): string =>
    [
      ...named.map((name) => text(row[name])),
      ...varying.map((each) => `${each.format(Number(row[each.field]))} ${each.label}`),
    ].join(", ");
  const xs = [...best.values].map(Number);
  const [first] = rows;
  return {
    xLabel: label,
    formatX: format,
    xLog: Math.min(...xs) > 0 && Math.max(...xs) / Math.min(...xs) >= LOG_SPREAD_MIN,
    series: seriesOf(rows, nameOf, field),
    profile: [...valuesOf(rows, "profile.name")].map(text).join(", "),
    version: text(first?.["version"]),
    constants: constantsOf(first, others, varying, rows),
  };
}

/** A log axis where times spread so far that the shortest could not be told from nothing. */
export function timeSpan(points: readonly SweepPoint[]): TimeSpan {
  const high = Math.max(...points.map((point) => point.high), 1);
  const mids = points.map(({ mid }) => mid).filter((mid) => mid > 0);
  const least = Math.min(...mids, high);
  const isLog = high / least > TIME_SPREAD_MAX;
  // A range that begins at nothing has no place on a log axis: it is cut a decade below the mids.
  const lows = points.map(({ low }) => low).filter((low) => low >= least / 10);
  return { isLog, low: isLog ? Math.min(least, ...lows) : 0, high };
}

function valuesOf(rows: readonly FlatRow[], field: string): Set<FlatRow[string]> {
  return new Set(rows.map((row) => row[field] ?? null));
}

function text(value: FlatRow[string] | undefined): string {
  return escapeControls(String(value ?? ""));
}

function seriesOf(
  rows: readonly FlatRow[],
  nameOf: (row: FlatRow) => string,
  field: string,
): SweepSeries[] {
  const points = new Map<string, SweepPoint[]>();
  for (const row of rows) {
    const name = nameOf(row);
    const series = points.get(name) ?? [];
    points.set(name, series);
    series.push({
      x: Number(row[field]),
      low: Number(row["elapsedNs.low"]),
      mid: Number(row["elapsedNs.mid"]),
      high: Number(row["elapsedNs.high"]),
      basis: text(row["elapsedNs.basis"]),
      seamcalls: Number(row["seamcalls.total"]),
    });
  }
  const drawn = new Map<string, SweepSeries>();
  for (const [name, unsorted] of points) {
    const series = unsorted.toSorted((a, b) => a.x - b.x);
    // What would lie on another line to the last bit shares its line: one of two would be hidden.
    const key = JSON.stringify(series);
    const twin = drawn.get(key);
    drawn.set(key, {
      name: twin === undefined ? name : `${twin.name} and ${name}`,
      points: series,
    });
  }
  return [...drawn.values()];
}

function constantsOf(
  first: FlatRow | undefined,
  others: readonly Dimension[],
  varying: readonly Dimension[],
  rows: readonly FlatRow[],
): string {
  if (first === undefined) return "";
  const same = others.filter((each) => !varying.includes(each));
  const named = (["kernel", "pageSize"] as const).filter((name) => valuesOf(rows, name).size === 1);
  return [
    ...same.map(({ field, label, format }) => {
      const value = Number(first[field]);
      return `${format(value)} ${value === 1 ? label.replace(/s$/, "") : label}`;
    }),
    ...named.map((name) => `${name === "pageSize" ? "pages of" : name} ${text(first[name])}`),
  ].join(", ");
}
