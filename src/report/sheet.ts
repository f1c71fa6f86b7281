import {
  type ComparisonEntry,
  type EstimatedInterval,
  type ExpectationResult,
  privatePageCount,
  type Result,
  type StrategyResult,
} from "../lab/result.ts";
import { formatCount, formatCounted } from "../units/count.ts";
import { formatDuration, formatDurationRange, formatTwoDigits } from "../units/duration.ts";
import { formatSize } from "../units/size.ts";
import { escapeControls } from "./control-characters.ts";

/** What goes with an estimate wherever it is shown. */
export interface Doubt {
  readonly range: string;
  readonly basis: string;
}

/** A value and, for an estimate, how far to trust it. */
export interface SheetCell {
  readonly value: string;
  readonly doubt?: Doubt;
}

export interface SheetRow {
  readonly label: string;
  /** A part of the row above, or the first of a group of rows. */
  readonly place: "part" | "row" | "first";
  /** One for each strategy. */
  readonly cells: readonly SheetCell[];
}

/** What people read about a result, before it is laid out: strategies are the columns. */
export interface Sheet {
  readonly title: string;
  readonly provenance: string;
  readonly facts: readonly (readonly [label: string, text: string])[];
  readonly columns: readonly string[];
  readonly rows: readonly SheetRow[];
  /** What the comparison comes to, a sentence for each strategy. */
  readonly verdicts: readonly string[];
  /** What was expected and what became of it. */
  readonly expectations: readonly { readonly text: string; readonly passed: boolean }[];
  readonly notes: readonly string[];
}

const NONE: SheetCell = { value: "-" };
const NEVER: SheetCell = { value: "never" };
/** A ratio above it says only that an estimate may be as good as nothing. */
const RATIO_SPOKEN_MAX = 1000;
const TITLE = "SIMULATED teardown of an Intel TDX guest: counts are exact, times are estimates";

/** A time always with its range and basis. */
export function durationCell({ low, mid, high, basis }: EstimatedInterval): Required<SheetCell> {
  return { value: formatDuration(mid), doubt: { range: formatDurationRange(low, high), basis } };
}

function factsOf({ td, platform }: Result): [string, string][] {
  const sizes = (["4K", "2M", "1G"] as const).filter((size) => td.privatePages[size] > 0);
  const pages = sizes.map((size) => `${formatCount(td.privatePages[size])} of ${size}`).join(", ");
  const name = td.name === null ? "" : `${escapeControls(td.name)}: `;
  const made = td.source === "default" ? ", the default TD" : "";
  return [
    ["TD", `${name}${formatSize(td.memoryBytes)}, ${formatCounted(td.vcpus, "vCPU")}${made}`],
    ["Private pages", pages === "" ? "none" : pages],
    [
      "Other pages",
      `${formatCount(td.septPages)} Secure EPT, ${formatCount(td.controlPages)} control` +
        (td.finalized ? "" : "; not finalized"),
    ],
    [
      "Host",
      `${formatCounted(platform.packages, "package")}, ${formatCounted(platform.lps, "LP")}, ` +
        formatCounted(platform.hkids, "HKID"),
    ],
  ];
}

/** Names of the strategies of a result, with their kernels where there are several. */
export function strategyLabels({ strategies }: Result): string[] {
  const oneKernel = new Set(strategies.map(({ kernel }) => kernel)).size <= 1;
  return strategies.map(({ strategy, kernel }) =>
    escapeControls(oneKernel ? strategy : `${strategy}@${kernel}`),
  );
}

function isNotable(status: string): boolean {
  return status !== "TDX_SUCCESS";
}

function namesIn(records: readonly Readonly<Record<string, number>>[]): string[] {
  return [...new Set(records.flatMap((record) => Object.keys(record)))];
}

class RowBuilder {
  readonly rows: SheetRow[] = [];
  readonly #strategies: readonly StrategyResult[];

  constructor(strategies: readonly StrategyResult[]) {
    this.#strategies = strategies;
  }

  add(
    label: string,
    place: SheetRow["place"],
    cell: (strategy: StrategyResult) => SheetCell,
  ): void {
    this.rows.push({ label, place, cells: this.#strategies.map(cell) });
  }

  count(
    label: string,
    place: SheetRow["place"],
    count: (strategy: StrategyResult) => number,
  ): void {
    this.add(label, place, (strategy) => {
      const value = count(strategy);
      return value === 0 ? NONE : { value: formatCount(value) };
    });
  }
}

function addCounts(rows: RowBuilder, { td, strategies }: Result): void {
  const privatePages = privatePageCount(td);
  rows.count("SEAMCALLs", "row", ({ seamcalls }) => seamcalls.total);
  rows.add("per private page", "part", ({ seamcalls }) =>
    privatePages === 0 ? NONE : { value: (seamcalls.total / privatePages).toFixed(2) },
  );
  for (const leaf of namesIn(strategies.map(({ seamcalls }) => seamcalls.byLeaf))) {
    rows.count(leaf, "part", ({ seamcalls }) => seamcalls.byLeaf[leaf] ?? 0);
  }
  const statuses = namesIn(strategies.map((strategy) => strategy.statuses)).filter(isNotable);
  if (statuses.length > 0) {
    rows.count("Not successful", "row", ({ seamcalls, statuses: counts }) => {
      return seamcalls.total - (counts["TDX_SUCCESS"] ?? 0);
    });
  }
  for (const status of statuses) {
    rows.count(escapeControls(status), "part", ({ statuses: counts }) => counts[status] ?? 0);
  }
  rows.count("Pages cleared", "first", ({ hostWork }) => hostWork.pagesCleared);
  rows.count("IPIs", "row", ({ hostWork }) => hostWork.ipis);
  rows.count("vCPU kicks", "row", ({ hostWork }) => hostWork.vcpuKicks);
}

function addTimes(rows: RowBuilder, { comparison }: Result): void {
  rows.add("Estimated time", "first", ({ elapsedNs }) => durationCell(elapsedNs));
  rows.add("extrapolated", "part", ({ elapsedNs }) => ({
    value: elapsedNs.extrapolated ? "yes" : "no",
  }));
  const against = comparison[0]?.against;
  if (against !== undefined) {
    rows.add(`Faster than ${escapeControls(against)}`, "row", ({ strategy, kernel }) =>
      ratioCell(comparison.find((each) => each.strategy === strategy && each.kernel === kernel)),
    );
  }
  rows.add("HKID free after", "row", ({ milestones, end }) =>
    end.hkidFree ? durationCell(milestones.hkidFree) : NEVER,
  );
  rows.add("Memory free after", "row", (entry) =>
    isStuckBeforeMemory(entry) ? NEVER : durationCell(entry.milestones.memoryFree),
  );
  rows.add("mmu_lock write-held", "row", ({ milestones }) =>
    durationCell(milestones.mmuLockWriteHeld),
  );
  rows.add("mmu_lock longest", "row", ({ milestones }) =>
    durationCell(milestones.mmuLockWriteLongest),
  );
}

/** Whether the kernel tries for ever before the last private page is back. */
function isStuckBeforeMemory({ phases, end }: StrategyResult): boolean {
  const at = phases.findLastIndex(
    ({ phase }) => phase === "remove-private" || phase === "reclaim-private",
  );
  return end.livelock !== undefined && (at === -1 || at === phases.length - 1);
}

function ratioCell(entry: ComparisonEntry | undefined): SheetCell {
  if (entry === undefined || entry.strategy === entry.against) return NONE;
  const { low, mid, high, basis } = entry.elapsedRatio;
  if (basis === "exact") return { value: `${formatTwoDigits(mid)}x` };
  const range = ratioRange(low, high);
  return { value: `${formatTwoDigits(mid)}x`, doubt: { range, basis } };
}

function addEnd(rows: RowBuilder): void {
  const yesOrNo = (yes: boolean): SheetCell => ({ value: yes ? "yes" : "no" });
  rows.add("Pages leaked", "first", ({ end }) => ({ value: formatCount(end.pagesLeaked) }));
  rows.add("HKID returned", "row", ({ end }) => yesOrNo(end.hkidFree));
  rows.add("TDR reclaimed", "row", ({ end }) => yesOrNo(end.tdrReclaimed));
}

/** The comparison in words: an exact ratio of counts, an estimated one of times. */
function verdictsOf({ comparison, strategies }: Result, columns: readonly string[]): string[] {
  return strategies.flatMap(({ strategy, kernel }, index) => {
    const entry = comparison.find((each) => each.strategy === strategy && each.kernel === kernel);
    if (entry === undefined || strategy === entry.against) return [];
    const against = escapeControls(entry.against);
    return [`${columns[index]}: ${callsSpoken(entry, against)}, ${timeSpoken(entry)}`];
  });
}

function callsSpoken({ seamcallRatio: fewer }: ComparisonEntry, against: string): string {
  if (fewer === 1) return `as many SEAMCALLs as ${against}`;
  const calls = fewer < 1 ? `${(1 / fewer).toFixed(2)}x more` : `${fewer.toFixed(2)}x fewer`;
  return `${calls} SEAMCALLs than ${against}`;
}

function timeSpoken({ elapsedRatio: { low, mid, high, basis } }: ComparisonEntry): string {
  if (basis === "exact") return "in the same time";
  const speed = `${formatTwoDigits(mid)}x ${mid < 1 ? "as fast" : "faster"}`;
  return `${speed} (${ratioRange(low, high)}, ${basis})`;
}

function ratioRange(low: number, high: number): string {
  const most = high > RATIO_SPOKEN_MAX ? `over ${RATIO_SPOKEN_MAX}x` : `${formatTwoDigits(high)}x`;
  return `${formatTwoDigits(low)}x to ${most}`;
}

/** A kept expectation by itself; one that was not with its level and both sides. */
function spokenExpectation(entry: ExpectationResult): { text: string; passed: boolean } {
  const { passed, level, detail } = entry;
  const expectation = escapeControls(entry.expectation);
  if (passed) return { passed, text: `ok: ${expectation}` };
  const verdict = level === "error" ? "FAILED" : "warning";
  return { passed, text: `${verdict}: ${expectation}: ${escapeControls(detail)}` };
}

/** Warnings, then why estimates are extrapolated; the same reason once for all it concerns. */
function notesOf(result: Result, columns: readonly string[]): string[] {
  const concerned = new Map<string, string[]>();
  for (const [index, { elapsedNs }] of result.strategies.entries()) {
    for (const reason of elapsedNs.reasons ?? []) {
      concerned.set(reason, [...(concerned.get(reason) ?? []), columns[index] ?? ""]);
    }
  }
  const reasons = [...concerned].map(([reason, names]) => {
    return `${names.join(", ")}: ${escapeControls(reason)}`;
  });
  return [...result.warnings.map(escapeControls), ...reasons];
}

/** Everything the readable formats show of a result, in their order. */
export function sheetOf(result: Result): Sheet {
  const columns = strategyLabels(result);
  const rows = new RowBuilder(result.strategies);
  addCounts(rows, result);
  addTimes(rows, result);
  addEnd(rows);
  const ideas = result.whatIf === undefined ? "" : ` with what-if ${result.whatIf.join(", ")}`;
  const provenance =
    `tdx-sim ${result.version}, kernel ${result.kernel}${ideas}, TDX module ${result.module}, ` +
    `cost profile ${result.profile.name}`;
  return {
    title: TITLE,
    provenance: escapeControls(provenance),
    facts: factsOf(result),
    columns,
    rows: rows.rows,
    verdicts: verdictsOf(result, columns),
    expectations: (result.expectations ?? []).map(spokenExpectation),
    notes: notesOf(result, columns),
  };
}
