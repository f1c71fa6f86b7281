import { formatDuration, formatEstimate } from "../units/duration.ts";
import type { Drawing } from "./bars.ts";
import {
  type SweepFigure,
  type SweepSeries,
  sweepFigure,
  type TimeSpan,
  timeSpan,
} from "./chart-series.ts";
import { wrapText } from "./layout.ts";
import type { FlatRow } from "./rows.ts";

const MARKS = { unicode: "●▲■◆○△□◇", ascii: "ox*+%@&=" } as const;
const ROWS = 12;
const COLUMNS_MAX = 72;
const COLUMNS_MIN = 16;

/**
 * A small line chart of a sweep for the terminal: estimated time over the dimension with most
 * values, ranges as vertical strokes, both told again in figures below. Nothing where there is no
 * dimension to draw over or no room for it.
 */
export function sweepLines(rows: readonly FlatRow[], drawing: Drawing): string[] {
  const figure = sweepFigure(rows);
  if (figure === null) return [];
  const marks = drawing.unicode ? MARKS.unicode : MARKS.ascii;
  const shown = figure.series.slice(0, marks.length);
  const scale = scales(figure, shown);
  const ticks = yTicks(scale);
  const margin = Math.max(...ticks.map((tick) => tick.length));
  const columns = Math.min(COLUMNS_MAX, drawing.width - margin - 3);
  if (columns < COLUMNS_MIN) return [];
  const axis = drawing.unicode ? { side: "│", corner: "└", line: "─" } : ASCII_AXIS;
  const grid = plot(shown, scale, columns, drawing.unicode);
  const chart = grid.map((cells, row) => {
    const label = row === 0 ? ticks[0] : row === ROWS - 1 ? ticks[1] : "";
    return `${(label ?? "").padStart(margin)} ${axis.side}${cells.join("")}`.trimEnd();
  });
  const hidden = figure.series.length - shown.length;
  return [
    ...wrapText(titleOf(figure, scale), drawing.width),
    ...chart,
    `${" ".repeat(margin)} ${axis.corner}${axis.line.repeat(columns)}`,
    `${" ".repeat(margin + 2)}${xTicks(figure, columns)}`,
    ...shown.flatMap((series, index) =>
      wrapText(legend(series, figure), drawing.width, `  ${marks[index]} `),
    ),
    ...(hidden > 0 ? [`  ${hidden} more not drawn`] : []),
  ];
}

const ASCII_AXIS = { side: "|", corner: "+", line: "-" } as const;

function titleOf(
  { xLabel, profile, xLog, constants }: SweepFigure,
  { times: { isLog: yLog } }: Scales,
): string {
  const scale = xLog && yLog ? "log scales" : `${axisName(yLog)} up, ${axisName(xLog)} across`;
  const rest = constants === "" ? "" : `; ${constants}`;
  const what = `Estimated time and range over ${xLabel}, SIMULATED with cost profile ${profile}`;
  return `${what} (${scale})${rest}`;
}

function axisName(isLog: boolean): string {
  return isLog ? "log scale" : "linear scale";
}

function legend({ name, points }: SweepSeries, { formatX }: SweepFigure): string {
  const last = points.at(-1);
  if (last === undefined) return name;
  return `${name}: ${formatEstimate(last)} at ${formatX(last.x)}`;
}

interface Scales {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  readonly times: TimeSpan;
}

function scales({ xLog }: SweepFigure, series: readonly SweepSeries[]): Scales {
  const points = series.flatMap((each) => each.points);
  const xs = points.map(({ x }) => x);
  const times = timeSpan(points);
  return {
    x: unit(Math.min(...xs), Math.max(...xs), xLog),
    y: unit(times.low, times.high, times.isLog),
    times,
  };
}

/** Maps a range to 0 to 1; what lies outside is drawn at the edge. */
function unit(from: number, to: number, isLog: boolean): (value: number) => number {
  if (from === to) return () => 0.5;
  const place = isLog
    ? (value: number) => Math.log(Math.max(value, from) / from) / Math.log(to / from)
    : (value: number) => (value - from) / (to - from);
  return (value) => Math.min(1, Math.max(0, place(value)));
}

function yTicks({ times: { low, high } }: Scales): [string, string] {
  return [formatDuration(high), formatDuration(low)];
}

function xTicks({ series, formatX }: SweepFigure, columns: number): string {
  const xs = series.flatMap(({ points }) => points.map(({ x }) => x));
  const [from, to] = [formatX(Math.min(...xs)), formatX(Math.max(...xs))];
  return from + to.padStart(Math.max(columns - from.length, to.length + 1));
}

function plot(
  series: readonly SweepSeries[],
  scale: Scales,
  columns: number,
  unicode: boolean,
): string[][] {
  const grid = Array.from({ length: ROWS }, () => new Array<string>(columns).fill(" "));
  const put = (column: number, row: number, mark: string): void => {
    const cells = grid[row];
    if (cells !== undefined && (cells[column] === " " || mark.length > 0)) cells[column] = mark;
  };
  const columnOf = (x: number): number => Math.round(scale.x(x) * (columns - 1));
  const rowOf = (y: number): number => Math.round((1 - scale.y(y)) * (ROWS - 1));
  const marks = unicode ? MARKS.unicode : MARKS.ascii;
  const [dot, stroke] = unicode ? ["·", "│"] : [".", ":"];
  for (const { points } of series) {
    for (const [index, from] of points.entries()) {
      const to = points[index + 1];
      if (to !== undefined) {
        for (const { column, row } of between(
          { column: columnOf(from.x), row: rowOf(from.mid) },
          { column: columnOf(to.x), row: rowOf(to.mid) },
        )) {
          put(column, row, dot);
        }
      }
    }
  }
  for (const { points } of series) {
    for (const { x, low, high } of points) {
      for (let row = rowOf(high); row <= rowOf(low); row++) put(columnOf(x), row, stroke);
    }
  }
  for (const [index, { points }] of series.entries()) {
    for (const { x, mid } of points) put(columnOf(x), rowOf(mid), marks[index] ?? "?");
  }
  return grid;
}

interface Cell {
  readonly column: number;
  readonly row: number;
}

function between(from: Cell, to: Cell): Cell[] {
  const steps = Math.max(1, to.column - from.column);
  return Array.from({ length: steps - 1 }, (_, index) => {
    const part = (index + 1) / steps;
    return {
      column: from.column + index + 1,
      row: Math.round(from.row + (to.row - from.row) * part),
    };
  });
}
