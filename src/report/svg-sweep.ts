import { area, line } from "d3-shape";
import { formatCount } from "../units/count.ts";
import { formatEstimate } from "../units/duration.ts";
import {
  type SweepFigure,
  type SweepPoint,
  type SweepSeries,
  sweepFigure,
  timeSpan,
} from "./chart-series.ts";
import type { FlatRow } from "./rows.ts";
import {
  type Axis,
  horizontalGrid,
  logTimeAxis,
  pointAxis,
  timeAxis,
  verticalGrid,
} from "./svg-axis.ts";
import { at, CONTENT_LEFT, CONTENT_TOP, element, label, picture, told } from "./svg-parts.ts";
import type { Theme } from "./svg-theme.ts";

const WIDTH = 960;
const PLOT_HEIGHT = 380;
const LEFT = CONTENT_LEFT + 62;
const RIGHT = WIDTH - 40;
const LEGEND_STEP = 22;
/** Lines differ without colour as well. */
const DASHES = ["none", "8 4", "2 4", "10 3 2 3", "14 6", "4 2"] as const;

/**
 * A sweep as a picture: a line for each strategy over the dimension with most values, its range
 * as a band, log axes where the values grow by factors. Null where there is no such dimension.
 */
export function renderSweepSvg(rows: readonly FlatRow[], theme: Theme = "auto"): string | null {
  const figure = sweepFigure(rows);
  if (figure === null) return null;
  const top = CONTENT_TOP + 22;
  const bottom = top + PLOT_HEIGHT;
  const { xAxis, yAxis, scales } = axesOf(figure, top, bottom);
  const legendTop = bottom + 58;
  const legend = figure.series.map((series, index) => {
    return legendLine(series, figure, index, legendTop + index * LEGEND_STEP);
  });
  const content = [
    label(`Estimated time with its range (${scales})`, {
      class: "strong",
      x: CONTENT_LEFT,
      y: CONTENT_TOP + 8,
    }),
    horizontalGrid(yAxis, LEFT, RIGHT),
    verticalGrid(xAxis, top, bottom),
    label(figure.xLabel, {
      class: "faint",
      x: (LEFT + RIGHT) / 2,
      y: bottom + 34,
      "text-anchor": "middle",
    }),
    ...figure.series.map((series, index) => band(series, index, xAxis, yAxis)),
    ...figure.series.map((series, index) => curve(series, figure, index, xAxis, yAxis)),
    ...legend,
  ].join("");
  return picture(
    {
      title: `SIMULATED teardown of Intel TDX guests over ${figure.xLabel}`,
      provenance:
        `tdx-sim ${figure.version}, cost profile ${figure.profile}` +
        (figure.constants === "" ? "" : `; ${figure.constants}`),
      description: describe(figure),
    },
    { width: WIDTH, height: legendTop + figure.series.length * LEGEND_STEP },
    theme,
    content,
  );
}

function axesOf(
  figure: SweepFigure,
  top: number,
  bottom: number,
): { xAxis: Axis; yAxis: Axis; scales: string } {
  const points = figure.series.flatMap((series) => series.points);
  const xs = [...new Set(points.map(({ x }) => x))];
  const { isLog, low, high } = timeSpan(points);
  const yAxis = isLog ? logTimeAxis(low, high, [bottom, top]) : timeAxis(high, [bottom, top], 7);
  const name = (log: boolean): string => (log ? "log" : "linear");
  return {
    xAxis: pointAxis(xs, figure.xLog, [LEFT + 12, RIGHT - 12], figure.formatX),
    yAxis,
    scales:
      figure.xLog === isLog
        ? `${name(isLog)} axes`
        : `${name(isLog)} time axis, ${name(figure.xLog)} across`,
  };
}

/** Two decimals: more would make the file long and nothing finer. */
function pixel(value: number): number {
  return Math.round(value * 100) / 100;
}

function band({ points }: SweepSeries, index: number, xAxis: Axis, yAxis: Axis): string {
  const shape = area<SweepPoint>()
    .x(({ x }) => pixel(xAxis.place(x)))
    .y0(({ low }) => pixel(yAxis.place(low)))
    .y1(({ high }) => pixel(yAxis.place(high)));
  return element("path", { class: `band p${index % 10}`, d: shape([...points]) ?? "" });
}

function curve(
  { name, points }: SweepSeries,
  { formatX }: SweepFigure,
  index: number,
  xAxis: Axis,
  yAxis: Axis,
): string {
  const shape = line<SweepPoint>()
    .x(({ x }) => pixel(xAxis.place(x)))
    .y(({ mid }) => pixel(yAxis.place(mid)));
  const stroke = { "stroke-dasharray": DASHES[index % DASHES.length] ?? "none" };
  const d = shape([...points]) ?? "";
  const dots = points.map((point) => {
    const place = { cx: xAxis.place(point.x), cy: yAxis.place(point.mid) };
    const calls = `${formatCount(point.seamcalls)} SEAMCALLs`;
    return told(
      `${name}, ${formatX(point.x)}: ${formatEstimate(point)}, ${calls}`,
      element("circle", { class: `p${index % 10}`, ...place, r: 4 }),
    );
  });
  return element("path", { class: `line s${index % 10}`, d, ...stroke }) + dots.join("");
}

function legendLine(
  series: SweepSeries,
  { formatX }: SweepFigure,
  index: number,
  y: number,
): string {
  const last = series.points.at(-1);
  const end = last === undefined ? "" : `: ${formatEstimate(last)} at ${formatX(last.x)}`;
  const stroke = { "stroke-dasharray": DASHES[index % DASHES.length] ?? "none" };
  const d = `M${at(CONTENT_LEFT)} ${at(y - 4)}h36`;
  return (
    element("path", { class: `line s${index % 10}`, d, ...stroke }) +
    element("circle", { class: `p${index % 10}`, cx: CONTENT_LEFT + 18, cy: y - 4, r: 4 }) +
    label(series.name + end, { x: CONTENT_LEFT + 46, y })
  );
}

function describe({ series, xLabel, profile, formatX }: SweepFigure): string {
  const sentences = series.map(({ name, points }) => {
    const told = points.map((point) => `${formatX(point.x)}: ${formatEstimate(point)}`).join("; ");
    return `${name}: ${told}.`;
  });
  const head =
    `Lines of the simulated teardown time over ${xLabel}, with its range as a band, by cost ` +
    `profile ${profile}.`;
  return [head, ...sentences].join(" ");
}
