import type { Interval, Result } from "../lab/result.ts";
import { formatCount } from "../units/count.ts";
import { formatDuration, formatEstimate } from "../units/duration.ts";
import { escapeControls } from "./control-characters.ts";
import { wrapText } from "./layout.ts";
import { strategyLabels } from "./sheet.ts";

/** How drawings on a terminal look. */
export interface Drawing {
  /** Columns of the terminal. */
  readonly width: number;
  /** Block characters; otherwise ASCII alone. */
  readonly unicode: boolean;
}

interface Bar {
  readonly label: string;
  /** Where the solid part ends, the mark stands and the shaded part ends. */
  readonly span: Interval;
  readonly text: string;
}

interface Chart {
  readonly title: (scale: string) => string;
  readonly bars: readonly Bar[];
  /** How an end of the axis is told. */
  readonly format: (value: number) => string;
}

const BAR_COLUMNS_MIN = 8;
/** Beyond this ratio the shortest bar of a linear scale could not be told from nothing. */
const LINEAR_SPREAD_MAX = 20;

const UNICODE = { solid: "█", shade: "░", mark: "┃", eighths: " ▏▎▍▌▋▊▉" };
const ASCII = { solid: "#", shade: "-", mark: "|", eighths: "" };

/**
 * A bar for each strategy, for SEAMCALLs and for the time, which is never drawn without its
 * range. Nothing for a single strategy, or where the terminal has no room for bars.
 */
export function barLines(result: Result, drawing: Drawing): string[] {
  if (result.strategies.length < 2) return [];
  const labels = strategyLabels(result);
  const glyphs = drawing.unicode ? UNICODE : ASCII;
  const profile = escapeControls(result.profile.name);
  const counts: Chart = {
    title: (scale) => `SEAMCALLs, exact (${scale})`,
    format: formatCount,
    bars: result.strategies.map(({ seamcalls: { total } }, index) => ({
      label: labels[index] ?? "",
      span: { low: total, mid: total, high: total },
      text: formatCount(total),
    })),
  };
  const times: Chart = {
    title: (scale) =>
      `Estimated time, SIMULATED with cost profile ${profile} (${scale}): ${glyphs.solid} up to ` +
      `the lowest, ${glyphs.mark} the middle, ${glyphs.shade} up to the highest`,
    format: formatDuration,
    bars: result.strategies.map(({ elapsedNs }, index) => ({
      label: labels[index] ?? "",
      span: elapsedNs,
      text: formatEstimate(elapsedNs),
    })),
  };
  const [first, second] = [chartLines(counts, drawing), chartLines(times, drawing)];
  return first.length === 0 || second.length === 0 ? [] : [...first, "", ...second];
}

function chartLines({ title, bars, format }: Chart, { width, unicode }: Drawing): string[] {
  const labelWidth = Math.max(...bars.map(({ label }) => label.length));
  const textWidth = Math.max(...bars.map(({ text }) => text.length));
  const columns = width - labelWidth - textWidth - 6;
  if (columns < BAR_COLUMNS_MIN) return [];
  const { place, scale } = scaleOf(
    bars.map(({ span }) => span),
    format,
  );
  const lines = bars.map(({ label, span, text }) => {
    const bar = unicode ? unicodeBar(span, place, columns) : asciiBar(span, place, columns);
    return `  ${label.padEnd(labelWidth)}  ${bar.padEnd(columns)}  ${text.padStart(textWidth)}`;
  });
  return [...wrapText(title(scale), width), ...lines.map((line) => line.trimEnd())];
}

interface Scale {
  /** Where a value lies between 0 and 1. */
  readonly place: (value: number) => number;
  /** For the title. */
  readonly scale: string;
}

function scaleOf(spans: readonly Interval[], format: (value: number) => string): Scale {
  const highest = Math.max(...spans.map(({ high }) => high));
  const mids = spans.map(({ mid }) => mid).filter((mid) => mid > 0);
  const lowest = Math.min(...mids, highest);
  if (highest <= 0) return { place: () => 0, scale: "linear scale" };
  if (highest / lowest <= LINEAR_SPREAD_MAX) {
    return { place: (value) => value / highest, scale: "linear scale" };
  }
  const origin = 10 ** (Math.ceil(Math.log10(lowest)) - 1);
  const decades = Math.log10(highest / origin);
  return {
    place: (value) => (value <= origin ? 0 : Math.log10(value / origin) / decades),
    scale: `log scale from ${format(origin)}`,
  };
}

function columnsOf(span: Interval, place: Scale["place"], columns: number): Interval {
  const at = (value: number): number => place(value) * columns;
  return { low: at(span.low), mid: at(span.mid), high: at(span.high) };
}

/** Solid to the lowest, shaded to the highest, the mark on the column that holds the middle. */
function asciiBar(span: Interval, place: Scale["place"], columns: number): string {
  return marked(span, columnsOf(span, place, columns), ASCII, columns);
}

function unicodeBar(span: Interval, place: Scale["place"], columns: number): string {
  const at = columnsOf(span, place, columns);
  if (span.low !== span.high) return marked(span, at, UNICODE, columns);
  const eighths = Math.max(1, Math.round(at.high * 8));
  const rest = UNICODE.eighths[eighths % 8] ?? "";
  return (UNICODE.solid.repeat(Math.floor(eighths / 8)) + rest).trimEnd();
}

function marked(
  span: Interval,
  at: Interval,
  { solid, shade, mark }: Readonly<Record<"solid" | "shade" | "mark", string>>,
  columns: number,
): string {
  const end = Math.max(1, Math.round(at.high));
  if (span.low === span.high) return solid.repeat(end);
  const low = Math.min(Math.round(at.low), end - 1);
  const cells = [...solid.repeat(low), ...shade.repeat(end - low)];
  cells[Math.min(Math.floor(at.mid), columns - 1, end - 1)] = mark;
  return cells.join("");
}
