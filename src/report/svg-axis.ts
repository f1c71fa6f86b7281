import { format } from "d3-format";
import { scaleLinear, scaleLog } from "d3-scale";
import { formatDuration, NS_PER } from "../units/duration.ts";
import { at, element, label } from "./svg-parts.ts";

/** A scale from values to pixels with the ticks of its axis. */
export interface Axis {
  readonly place: (value: number) => number;
  readonly ticks: readonly { readonly value: number; readonly text: string }[];
}

const plain = format(",.12~g");
const short = format("~s");

/** Counts from zero, ticks as 10M. */
export function countAxis(most: number, range: readonly [number, number], ticks = 5): Axis {
  const scale = scaleLinear([0, Math.max(most, 1)], [...range]);
  return {
    place: scale,
    ticks: scale.ticks(ticks).map((value) => ({ value, text: short(value).replace("G", "B") })),
  };
}

/** Nanoseconds from zero in the largest unit of which there are two, ticks round in that unit. */
export function timeAxis(most: number, range: readonly [number, number], ticks = 5): Axis {
  const [name, ns] = Object.entries(NS_PER).findLast(([, each]) => most >= 2 * each) ?? ["ns", 1];
  const scale = scaleLinear([0, Math.max(most, 1) / ns], [...range]);
  return {
    place: (value) => scale(value / ns),
    ticks: scale.ticks(ticks).map((value) => {
      return { value: value * ns, text: `${plain(value)} ${name}` };
    }),
  };
}

/** Nanoseconds on a log axis: a second, a minute, an hour and their like are the ticks. */
export function logTimeAxis(least: number, most: number, range: readonly [number, number]): Axis {
  const scale = scaleLog([least, most], [...range]).clamp(true);
  const round = [1, 10, 100].flatMap((n) => [n, n * 1e3, n * 1e6]);
  const long = [1e9, 10e9, 60e9, 600e9, 3600e9, 36_000e9, 24 * 3600e9, 240 * 3600e9];
  return {
    place: scale,
    ticks: [...round, ...long]
      .filter((value) => value >= least && value <= most)
      .map((value) => ({ value, text: formatDuration(value).replace(/\.0 /, " ") })),
  };
}

/** Values that were asked for, each with its tick, as far as they do not meet. */
export function pointAxis(
  values: readonly number[],
  isLog: boolean,
  range: readonly [number, number],
  text: (value: number) => string,
): Axis {
  const ends: [number, number] = [Math.min(...values), Math.max(...values)];
  const scale = isLog ? scaleLog(ends, [...range]) : scaleLinear(ends, [...range]);
  let last = Number.NEGATIVE_INFINITY;
  const ticks = values
    .toSorted((a, b) => a - b)
    .filter((value) => {
      const free = scale(value) - last >= TICK_SPACE;
      if (free) last = scale(value);
      return free;
    });
  return { place: scale, ticks: ticks.map((value) => ({ value, text: text(value) })) };
}

const TICK_SPACE = 58;

/** Lines across a drawing at the ticks of a horizontal axis, their texts below. */
export function verticalGrid({ place, ticks }: Axis, top: number, bottom: number): string {
  return ticks
    .map(({ value, text }) => {
      const x = place(value);
      return (
        element("path", { class: "grid", d: `M${at(x)} ${at(top)}V${at(bottom)}` }) +
        label(text, { class: "faint small", x, y: bottom + 16, "text-anchor": "middle" })
      );
    })
    .join("");
}

/** Lines across a drawing at the ticks of a vertical axis, their texts to the left. */
export function horizontalGrid({ place, ticks }: Axis, left: number, right: number): string {
  return ticks
    .map(({ value, text }) => {
      const y = place(value);
      return (
        element("path", { class: "grid", d: `M${at(left)} ${at(y)}H${at(right)}` }) +
        label(text, { class: "faint small", x: left - 8, y: y + 4, "text-anchor": "end" })
      );
    })
    .join("");
}
