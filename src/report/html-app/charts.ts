import * as Plot from "@observablehq/plot";
import { format } from "d3-format";
import type { EstimatedInterval } from "../../lab/result.ts";
import { formatCount } from "../../units/count.ts";
import { formatDuration, formatEstimate, NS_PER } from "../../units/duration.ts";
import type { PageData, StrategyData } from "../html-data.ts";

export interface View {
  readonly strategies: readonly StrategyData[];
  readonly log: boolean;
  /** Pixels. */
  readonly width: number;
}

/** One part of a bar, for both kinds of chart. */
interface Part {
  readonly strategy: string;
  readonly name: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly title: string;
}

interface ChartPlan {
  readonly caption: string;
  readonly parts: readonly Part[];
  readonly totals: readonly Part[];
  /** All names of parts, also of strategies that are not shown: colours stay when one goes. */
  readonly names: readonly string[];
  readonly firstColour: number;
  /** Texts of the ticks: short, for they stand beside each other. */
  readonly format: (value: number) => string;
  readonly hasRanges: boolean;
}

const COLOURS = 10;
const TOTAL = "all together";
/** Parts smaller than this share of the longest bar have no room for a mark. */
const MARKED_SHARE = 0.03;
/** Pixels for a character of a text of 12 px: capitals of leaf names are wide. */
const NAME_CHARACTER = 8;
const TEXT_CHARACTER = 7.2;
const short = format("~s");

/** SEAMCALLs: stacked by leaf, or on a log scale each leaf by itself. */
export function countFigure(data: PageData, view: View): HTMLElement {
  const exact = (strategy: string, name: string, value: number): Part => {
    const title = `${strategy}\n${name}: ${formatCount(value)} SEAMCALLs`;
    return { strategy, name, value, low: value, high: value, title };
  };
  return figure(
    {
      caption: "SEAMCALLs by leaf: SIMULATED, exact counts",
      parts: view.strategies.flatMap(({ name, leaves }) =>
        Object.entries(leaves).map(([leaf, count]) => exact(name, leaf, count)),
      ),
      totals: view.strategies.map(({ name, seamcalls }) => exact(name, TOTAL, seamcalls)),
      names: namesOf(data, ({ leaves }) => Object.keys(leaves)),
      firstColour: 0,
      format: (value) => short(value).replace("G", "B"),
      hasRanges: false,
    },
    view,
  );
}

/** Estimated time: stacked by phase, its range always with it. */
export function timeFigure(data: PageData, view: View): HTMLElement {
  const estimated = (strategy: string, name: string, time: EstimatedInterval): Part => {
    const title = `${strategy}\n${name}: ${formatEstimate(time)}`;
    return { strategy, name, value: time.mid, low: time.low, high: time.high, title };
  };
  return figure(
    {
      caption: `Estimated time by phase: SIMULATED, ranges by cost profile ${data.profile}`,
      parts: view.strategies.flatMap(({ name, phases }) =>
        phases.map(({ phase, elapsedNs }) => estimated(name, phase, elapsedNs)),
      ),
      totals: view.strategies.map(({ name, elapsedNs }) => estimated(name, TOTAL, elapsedNs)),
      names: namesOf(data, ({ phases }) => phases.map(({ phase }) => phase)),
      firstColour: COLOURS / 2,
      format: formatDuration,
      hasRanges: true,
    },
    view,
  );
}

function namesOf(data: PageData, names: (strategy: StrategyData) => readonly string[]): string[] {
  return [...new Set(data.strategies.flatMap(names))];
}

function colourOf({ names, firstColour }: ChartPlan, name: string): string {
  const index = names.indexOf(name);
  return index < 0 ? "var(--text)" : `var(--p${(firstColour + index) % COLOURS})`;
}

function figure(plan: ChartPlan, view: View): HTMLElement {
  const element = document.createElement("figure");
  const caption = document.createElement("figcaption");
  const scale = view.log ? "log scale, every part by itself" : "linear scale";
  caption.textContent = `${plan.caption}; ${scale}`;
  element.append(caption, view.log ? separateBars(plan, view) : stackedBars(plan, view));
  if (!view.log) element.append(legend(plan));
  return element;
}

function shared(plan: ChartPlan, view: View): Plot.PlotOptions {
  return {
    width: view.width,
    className: "plot",
    ariaLabel: plan.caption,
    ariaDescription: plan.totals.map(({ title }) => title.replace("\n", ", ")).join("; "),
    style: { fontSize: "12px" },
  };
}

function labelMargin(names: readonly string[], view: View): number {
  const longest = Math.max(...names.map((name) => name.length), 4);
  return Math.min(longest * NAME_CHARACTER + 14, view.width * 0.45);
}

/** Room to the right for the text behind the longest bar. */
function textMargin({ totals }: ChartPlan): number {
  return Math.max(...totals.map((total) => shortText(total).length)) * TEXT_CHARACTER + 12;
}

function shortText({ title }: Part): string {
  return title.slice(title.indexOf(": ") + 2).replace(" SEAMCALLs", "");
}

function stackedBars(plan: ChartPlan, view: View): Element {
  const strategies = view.strategies.map(({ name }) => name);
  const narrow = view.width < 560;
  return Plot.plot({
    ...shared(plan, view),
    marginLeft: labelMargin(strategies, view),
    marginRight: narrow ? 16 : textMargin(plan),
    height: strategies.length * (narrow ? 64 : 46) + 44,
    x: {
      label: null,
      grid: true,
      ticks: narrow ? 3 : 6,
      tickFormat: plan.format,
      ...ticks(plan, narrow),
    },
    y: { label: null, domain: strategies, padding: narrow ? 0.6 : 0.45 },
    marks: [
      Plot.barX(plan.parts, {
        x: "value",
        y: "strategy",
        fill: (part: Part) => colourOf(plan, part.name),
        stroke: "var(--page)",
        title: "title",
        tip: true,
      }),
      partMarks(plan),
      ...(plan.hasRanges ? whiskers(plan.totals, narrow ? 18 : 17) : []),
      Plot.text(plan.totals, {
        x: narrow ? 0 : "high",
        y: "strategy",
        text: shortText,
        textAnchor: "start",
        dx: narrow ? 0 : 8,
        dy: narrow ? -20 : 0,
        fill: "currentColor",
        fontWeight: 600,
      }),
    ],
  });
}

/** What tells parts apart without colour, where there is room for it. */
function markOf({ names, hasRanges }: ChartPlan, name: string): string {
  const index = names.indexOf(name);
  return hasRanges ? String(index + 1) : String.fromCharCode(97 + (index % 26));
}

function partMarks(plan: ChartPlan): Plot.Markish {
  const most = Math.max(...plan.totals.map(({ high }) => high), 1);
  return Plot.text(
    plan.parts,
    Plot.stackX({
      x: "value",
      y: "strategy",
      text: (part: Part) => (part.value < most * MARKED_SHARE ? "" : markOf(plan, part.name)),
      fill: "var(--on-part)",
      fontWeight: 600,
      pointerEvents: "none",
    }),
  );
}

/** Round numbers of the unit people would use: Plot's own are round in nanoseconds. */
function ticks({ hasRanges, totals }: ChartPlan, narrow: boolean): { ticks?: number[] } {
  if (!hasRanges) return {};
  const most = Math.max(...totals.map(({ high }) => high), 1);
  const unit = Object.values(NS_PER).findLast((ns) => most >= 2 * ns) ?? 1;
  const rough = most / unit / (narrow ? 3 : 6);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power * unit;
  return { ticks: Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step) };
}

function whiskers(totals: readonly Part[], dy: number): Plot.Markish[] {
  const place = { y: "strategy", dy, stroke: "currentColor", strokeWidth: 1.5 };
  const cap = { ...place, insetTop: undefined };
  return [
    Plot.link(totals, { ...place, x1: "low", x2: "high", y1: "strategy", y2: "strategy" }),
    Plot.dot(totals, { ...cap, x: "low", symbol: "times", r: 3 }),
    Plot.dot(totals, { ...cap, x: "high", symbol: "times", r: 3 }),
  ];
}

/** On a log scale parts of a sum cannot be stacked: each is a bar of its own. */
function separateBars(plan: ChartPlan, view: View): Element {
  const rows = [...plan.totals, ...plan.parts].filter(({ value }) => value > 0);
  const names = [TOTAL, ...plan.names.filter((name) => rows.some((row) => row.name === name))];
  const least = Math.min(...rows.map(({ value }) => value));
  const origin = 10 ** (Math.ceil(Math.log10(least)) - 1);
  // An estimate may begin at nothing, for which a log scale has no place.
  const clipped = rows.map((row) => ({ ...row, low: Math.max(row.low, origin), origin }));
  const strategies = view.strategies.map(({ name }) => name);
  return Plot.plot({
    ...shared(plan, view),
    marginLeft: labelMargin(names, view),
    marginRight: Math.max(72, labelMargin(strategies, view)),
    height: strategies.length * (names.length * 19 + 16) + 44,
    x: { type: "log", label: null, grid: true, ticks: 4, tickFormat: plan.format },
    y: { label: null, domain: names, padding: 0.25 },
    fy: { label: null, domain: strategies },
    marks: [
      Plot.barX(clipped, {
        x1: "origin",
        x2: "value",
        y: "name",
        fy: "strategy",
        fill: (part: Part) => colourOf(plan, part.name),
        title: "title",
        tip: true,
      }),
      ...(plan.hasRanges
        ? [
            Plot.link(clipped, {
              x1: "low",
              x2: "high",
              y1: "name",
              y2: "name",
              fy: "strategy",
              stroke: "var(--page)",
              strokeWidth: 4,
            }),
            Plot.link(clipped, {
              x1: "low",
              x2: "high",
              y1: "name",
              y2: "name",
              fy: "strategy",
              stroke: "currentColor",
              strokeWidth: 1.5,
            }),
          ]
        : []),
    ],
  });
}

function legend(plan: ChartPlan): HTMLElement {
  const list = document.createElement("ul");
  list.className = "legend";
  for (const name of plan.names) {
    const item = document.createElement("li");
    const swatch = document.createElement("span");
    swatch.style.background = colourOf(plan, name);
    swatch.textContent = markOf(plan, name);
    item.append(swatch, name);
    list.append(item);
  }
  return list;
}
