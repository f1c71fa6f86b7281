import { isFailed, type Result, type Run } from "../../lab/result.ts";
import { formatCount } from "../../units/count.ts";
import { barLines } from "../bars.ts";
import { escapeControls } from "../control-characters.ts";
import type { Appearance } from "../format.ts";
import { alignColumns, type Cell, columnWidths, type Palette, wrapText } from "../layout.ts";
import { paletteFor } from "../palette.ts";
import type { Cell as RowCell } from "../rows.ts";
import { durationCell, type Sheet, type SheetRow, sheetOf } from "../sheet.ts";

export const about = "for people (default), the same on a terminal and in a pipe";

const GAP = 2;

/** A row as one line, or three where a value is an estimate; a blank line before a group. */
function linesOf({ label, place, cells }: SheetRow): Cell[][] {
  const first: Cell[] = [place === "part" ? `  ${label}` : label];
  const ranges: Cell[] = [{ text: "  range", style: "faint" }];
  const bases: Cell[] = [{ text: "  basis", style: "faint" }];
  for (const { value, doubt } of cells) {
    first.push(value === "-" ? { text: value, style: "faint" } : value);
    ranges.push({ text: doubt?.range ?? "", style: "faint" });
    bases.push({ text: doubt?.basis ?? "", style: "faint" });
  }
  const estimated = cells.some(({ doubt }) => doubt !== undefined);
  const lines = estimated ? [first, ranges, bases] : [first];
  return place === "first" ? [[""], ...lines] : lines;
}

/** The rows with only some of the strategies. */
function rowsOfColumns(sheet: Sheet, from: number, to: number): Cell[][] {
  const header: Cell[] = [""];
  for (const name of sheet.columns.slice(from, to)) header.push({ text: name, style: "strong" });
  const rows = sheet.rows.map((row) => ({ ...row, cells: row.cells.slice(from, to) }));
  return [header, ...rows.flatMap(linesOf)];
}

/** As many strategies beside each other as fit the width, the others below. */
function blocks(sheet: Sheet, width: number): Cell[][][] {
  const [label = 0, ...widths] = columnWidths(rowsOfColumns(sheet, 0, sheet.columns.length));
  const found: Cell[][][] = [];
  let from = 0;
  let used = label;
  for (const [index, column] of widths.entries()) {
    if (index > from && used + GAP + column > width) {
      found.push(rowsOfColumns(sheet, from, index));
      from = index;
      used = label;
    }
    used += GAP + column;
  }
  found.push(rowsOfColumns(sheet, from, widths.length));
  return found;
}

/** With a single strategy there is room for its phases. */
function phaseLines(result: Result, palette: Palette): string[] {
  const [only, ...others] = result.strategies;
  if (only === undefined || others.length > 0) return [];
  const header = ["Phase", "SEAMCALLs", "Estimated time", "Range", "Basis"];
  const rows: Cell[][] = [header.map((text) => ({ text, style: "strong" }))];
  for (const { phase, seamcalls, elapsedNs } of only.phases) {
    const { value, doubt } = durationCell(elapsedNs);
    rows.push([phase, formatCount(seamcalls.total), value, doubt.range, doubt.basis]);
  }
  return ["", ...alignColumns(rows, { aligns: ["left", "right", "right", "left"], palette })];
}

function expectationLines({ expectations }: Sheet, width: number, palette: Palette): string[] {
  if (expectations.length === 0) return [];
  const lines = expectations.flatMap(({ text, passed }) =>
    wrapText(text, width, "- ").map((line) => palette[passed ? "good" : "strong"](line)),
  );
  return ["", palette.strong("Expectations"), ...lines];
}

/**
 * For people at a terminal: at most `width` columns wide where the content allows, readable
 * without colour, nothing cut off. A comparison ends with bars.
 */
export async function render(runs: readonly Run[], appearance: Appearance): Promise<string> {
  const palette = await paletteFor(appearance.color);
  const texts = runs.map((run) => {
    if (!isFailed(run)) return document(run, appearance, palette);
    const head = `SIMULATED run, scenario ${run.scenario.name}: no result`;
    return `${head}\n\n${escapeControls(run.error.message)}\n`;
  });
  return texts.join("\n");
}

function document(
  result: Result,
  { width, unicode = false }: Appearance,
  palette: Palette,
): string {
  const sheet = sheetOf(result);
  const aligns = ["left", ...sheet.columns.map(() => "right" as const)] as const;
  const lines = [
    ...wrapText(sheet.title, width).map((line) => palette.strong(line)),
    ...wrapText(sheet.provenance, width).map((line) => palette.faint(line)),
    "",
    ...alignColumns(sheet.facts, { aligns: [] }),
  ];
  for (const block of blocks(sheet, width)) {
    lines.push("", ...alignColumns(block, { aligns, gap: GAP, palette }));
  }
  lines.push(...phaseLines(result, palette));
  if (sheet.verdicts.length > 0) lines.push("");
  for (const verdict of sheet.verdicts) {
    lines.push(...wrapText(verdict, width).map((line) => palette.good(line)));
  }
  lines.push(...expectationLines(sheet, width, palette));
  if (sheet.notes.length > 0) lines.push("", palette.strong("Notes"));
  for (const note of sheet.notes) lines.push(...wrapText(note, width, "- "));
  const bars = barLines(result, { width, unicode });
  if (bars.length > 0) lines.push("", ...bars);
  return `${lines.join("\n")}\n`;
}

/** The rows of a sweep, and a chart where an axis makes lines. */
export async function renderRows(
  rows: readonly (readonly RowCell[])[],
  { width, unicode = false }: Appearance,
): Promise<string> {
  const { sweepOrigin, sweepRecord, sweepTable } = await import("../sweep-rows.ts");
  const { sweepLines } = await import("../chart.ts");
  const records = rows.map(sweepRecord);
  const chart = sweepLines(records, { width, unicode });
  const lines = [
    `SIMULATED teardowns, ${sweepOrigin(records)}`,
    "",
    ...sweepTable(records, false),
    ...(chart.length === 0 ? [] : ["", ...chart]),
  ];
  return `${lines.join("\n")}\n`;
}
