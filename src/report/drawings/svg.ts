import type { EstimatedInterval, Result, StrategyResult } from "../../lab/result.ts";
import { formatCount } from "../../units/count.ts";
import { formatEstimate } from "../../units/duration.ts";
import type { Materials } from "../format.ts";
import { type Sheet, sheetOf } from "../sheet.ts";
import { type Axis, countAxis, timeAxis, verticalGrid } from "../svg-axis.ts";
import {
  at,
  CONTENT_LEFT,
  CONTENT_TOP,
  element,
  label,
  picture,
  textWidth,
  told,
} from "../svg-parts.ts";
import type { Theme } from "../svg-theme.ts";

export const about = "bars of a run, lines of a sweep";

interface Part {
  readonly name: string;
  readonly value: number;
  readonly text: string;
}

interface Bar {
  readonly name: string;
  readonly parts: readonly Part[];
  readonly text: string;
  /** Where an estimate may end; absent for a count. */
  readonly range?: EstimatedInterval;
}

interface Panel {
  readonly heading: string;
  readonly bars: readonly Bar[];
  /** Names of all parts in the order of their letters. */
  readonly names: readonly string[];
  /** Tells the parts of this panel from those of the other one. */
  readonly mark: (index: number) => string;
  readonly firstColour: number;
  readonly axis: (range: readonly [number, number]) => Axis;
}

const WIDTH = 960;
const BAR_HEIGHT = 24;
const BAR_STEP = 42;
/** Below the bar, where it hides nothing and is seen on the page's colour. */
const WHISKER_TOP = 27;
const WHISKER_HEIGHT = 8;
const COLOURS = 10;
const LEGEND_STEP = 20;
const LETTER_WIDTH = 15;

export function draw(result: Result, { theme }: Materials): string {
  return renderSvg(result, theme);
}

/**
 * The strategies of a result as a picture (SVG 1.1, no script, no outside resource): SEAMCALLs
 * stacked by leaf, the estimated time stacked by phase with its range as a whisker.
 */
export function renderSvg(result: Result, theme: Theme = "auto"): string {
  const sheet = sheetOf(result);
  const labels = Math.max(...sheet.columns.map((name) => textWidth(name, 13)));
  const left = CONTENT_LEFT + Math.min(labels, 200) + 14;
  const counts = panel(countPanel(result, sheet), CONTENT_TOP, left);
  const times = panel(timePanel(result, sheet), counts.bottom + 26, left);
  return picture(
    { title: titleOf(sheet), provenance: sheet.provenance, description: describe(result, sheet) },
    { width: WIDTH, height: times.bottom + 14 },
    theme,
    counts.content + times.content,
  );
}

function titleOf({ facts }: Sheet): string {
  const td = facts.find(([name]) => name === "TD")?.[1] ?? "";
  return `SIMULATED teardown of an Intel TDX guest: ${td}`;
}

function nameOf(sheet: Sheet, index: number): string {
  return sheet.columns[index] ?? "";
}

function countPanel({ strategies }: Result, sheet: Sheet): Panel {
  const bars = strategies.map(({ seamcalls }, index) => ({
    name: nameOf(sheet, index),
    text: formatCount(seamcalls.total),
    parts: Object.entries(seamcalls.byLeaf).map(([name, value]) => {
      return { name, value, text: formatCount(value) };
    }),
  }));
  const most = Math.max(...strategies.map(({ seamcalls }) => seamcalls.total));
  return {
    heading: "SEAMCALLs by leaf: exact counts, linear scale",
    bars,
    names: partNames(bars),
    mark: (index) => String.fromCharCode(97 + (index % 26)),
    firstColour: 0,
    axis: (range) => countAxis(most, range),
  };
}

function timePanel({ strategies, profile }: Result, sheet: Sheet): Panel {
  const bars = strategies.map((entry: StrategyResult, index) => ({
    name: nameOf(sheet, index),
    text: formatEstimate(entry.elapsedNs),
    range: entry.elapsedNs,
    parts: entry.phases.map(({ phase, elapsedNs }) => {
      return { name: phase, value: elapsedNs.mid, text: formatEstimate(elapsedNs) };
    }),
  }));
  const most = Math.max(...strategies.map(({ elapsedNs }) => elapsedNs.high));
  return {
    heading: `Estimated time by phase, linear scale; whiskers below: range by profile ${profile.name}`,
    bars,
    names: partNames(bars),
    mark: (index) => String(index + 1),
    firstColour: COLOURS / 2,
    axis: (range) => timeAxis(most, range),
  };
}

function partNames(bars: readonly Bar[]): string[] {
  return [...new Set(bars.flatMap(({ parts }) => parts.map(({ name }) => name)))];
}

function colourOf({ firstColour }: Panel, index: number): string {
  return `p${(firstColour + index) % COLOURS}`;
}

function panel(drawn: Panel, top: number, left: number): { content: string; bottom: number } {
  const { heading, bars, axis: axisOf } = drawn;
  const texts = Math.max(...bars.map(({ text }) => textWidth(text, 13)));
  const axis = axisOf([left, WIDTH - CONTENT_LEFT - texts - 14]);
  const barsTop = top + 26;
  const barsBottom = barsTop + bars.length * BAR_STEP;
  const rows = bars.map((bar, index) => {
    return drawBar(bar, drawn, axis, barsTop + index * BAR_STEP + 4);
  });
  const legend = drawLegend(drawn, barsBottom + 40);
  return {
    content:
      label(heading, { class: "strong", x: CONTENT_LEFT, y: top + 10 }) +
      verticalGrid(axis, barsTop, barsBottom) +
      rows.join("") +
      legend.content,
    bottom: legend.bottom,
  };
}

function drawBar(bar: Bar, drawn: Panel, axis: Axis, top: number): string {
  const middle = top + BAR_HEIGHT / 2;
  const zero = axis.place(0);
  let sum = 0;
  const segments = bar.parts.map(({ name, value, text }) => {
    const from = axis.place(sum);
    sum += value;
    const width = Math.max(axis.place(sum) - from, 0);
    const index = drawn.names.indexOf(name);
    const place = { x: from, y: top, width, height: BAR_HEIGHT };
    const box = element("rect", { class: `${colourOf(drawn, index)} edge`, ...place });
    const inside =
      width < LETTER_WIDTH
        ? ""
        : label(drawn.mark(index), { class: "on", x: from + 5, y: middle + 4 });
    return told(`${bar.name}, ${name}: ${text}`, box + inside);
  });
  const end = bar.range === undefined ? axis.place(sum) : axis.place(bar.range.high);
  return (
    label(bar.name, { x: zero - 10, y: middle + 4.5, "text-anchor": "end" }) +
    segments.join("") +
    (bar.range === undefined ? "" : whisker(bar, bar.range, axis, top + WHISKER_TOP)) +
    label(bar.text, { class: "strong", x: end + 10, y: middle + 4.5 })
  );
}

function whisker({ name }: Bar, range: EstimatedInterval, axis: Axis, top: number): string {
  const [low, high] = [axis.place(range.low), axis.place(range.high)];
  const ends = [low, high].map((x) => `M${at(x)} ${at(top)}v${WHISKER_HEIGHT}`).join("");
  const d = `M${at(low)} ${at(top + WHISKER_HEIGHT / 2)}H${at(high)}${ends}`;
  return told(`${name}: ${formatEstimate(range)}`, element("path", { class: "whisker", d }));
}

/** Letter, colour and name of each part, in columns. */
function drawLegend(drawn: Panel, top: number): { content: string; bottom: number } {
  const { names } = drawn;
  const column = Math.max(...names.map((name) => textWidth(name, 11.5))) + 44;
  const columns = Math.max(1, Math.floor((WIDTH - 2 * CONTENT_LEFT) / column));
  const items = names.map((name, index) => {
    const x = CONTENT_LEFT + (index % columns) * column;
    const y = top + Math.floor(index / columns) * LEGEND_STEP;
    return (
      element("rect", {
        class: colourOf(drawn, index),
        x,
        y: y - 11,
        width: 15,
        height: 15,
        rx: 2,
      }) +
      label(drawn.mark(index), { class: "on", x: x + 4.5, y }) +
      label(name, { class: "small", x: x + 21, y })
    );
  });
  return {
    content: items.join(""),
    bottom: top + Math.ceil(names.length / columns) * LEGEND_STEP - 6,
  };
}

function describe(result: Result, { columns, verdicts }: Sheet): string {
  const sentences = result.strategies.map(({ seamcalls, elapsedNs }, index) => {
    const name = columns[index] ?? "";
    return `${name}: ${formatCount(seamcalls.total)} SEAMCALLs, ${formatEstimate(elapsedNs)}.`;
  });
  const head =
    "Stacked bars of a simulated teardown: SEAMCALLs by leaf, and the estimated time by phase " +
    `with its range by cost profile ${result.profile.name}.`;
  return [head, ...sentences, ...verdicts.map((verdict) => `${verdict}.`)].join(" ");
}
