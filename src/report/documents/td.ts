/** TDs of the store, for every format (`tdx-sim/td/v1`). */
import type { IoctlCounts, TdReport } from "../../lab/td-report.ts";
import { formatCount } from "../../units/count.ts";
import { formatSize } from "../../units/size.ts";
import { alignColumns, wrapText } from "../layout.ts";
import type { Cell, FlatRow } from "../rows.ts";
import { type RecordsDocument, recordsDocument } from "./records.ts";

/** Runs of pages that the table shows; JSON has more. */
const RUNS_SHOWN = 10;

/** Columns of a TD as a flat record; counts are of the whole life and of the teardown. */
const COLUMNS: Readonly<Record<string, (report: TdReport) => Cell>> = {
  schema: () => "tdx-sim/td-row/v1",
  simulated: () => true,
  version: (report) => report.version,
  name: (report) => report.name,
  kernel: (report) => report.kernel,
  state: stateOf,
  destroyed: (report) => report.destroyed,
  lifecycle: (report) => report.lifecycle,
  opState: (report) => report.opState,
  hkid: (report) => report.hkid,
  hkidState: (report) => report.hkidState,
  finalized: (report) => report.finalized,
  memoryBytes: (report) => report.options.memoryBytes,
  populatedBytes: (report) => report.populatedBytes,
  vcpus: (report) => report.vcpus,
  pageSize: (report) => report.options.pageSize,
  layout: (report) => report.options.layout,
  "privatePages.4K": (report) => report.privatePages["4K"],
  "privatePages.2M": (report) => report.privatePages["2M"],
  septPages: (report) => report.septPages,
  controlPages: (report) => report.controlPages,
  pagesLeaked: (report) => report.pagesLeaked,
  "seamcalls.life": (report) => total(report.ioctls),
  "seamcalls.teardown": (report) => total(report.teardown?.phases ?? []),
};

function rowOf(report: TdReport): FlatRow {
  return Object.fromEntries(Object.entries(COLUMNS).map(([name, cell]) => [name, cell(report)]));
}

/** One TD, `tdx-sim/td/v1`, for every format. */
export function tdDocument(report: TdReport): RecordsDocument {
  return recordsDocument({
    json: report,
    columns: Object.keys(COLUMNS),
    rows: [rowOf(report)],
    table: ({ width }) => sheet(report, width),
  });
}

/** TDs in the order of creation; the JSON is a list of `tdx-sim/td/v1` documents. */
export function tdListDocument(reports: readonly TdReport[]): RecordsDocument {
  return recordsDocument({
    json: reports,
    columns: Object.keys(COLUMNS),
    rows: reports.map(rowOf),
    table: () => (reports.length === 0 ? [] : ["SIMULATED TDs", "", ...list(reports)]),
  });
}

function list(reports: readonly TdReport[]): string[] {
  const head = ["name", "state", "HKID", "memory", "mapped", "vCPUs", "pages", "kernel"];
  const rows = reports.map((report) => [
    report.name,
    stateOf(report),
    report.hkid === null ? "-" : String(report.hkid),
    formatSize(report.options.memoryBytes),
    formatSize(report.populatedBytes),
    String(report.options.vcpus),
    report.options.pageSize,
    report.kernel,
  ]);
  const aligns = ["left", "left", "right", "right", "right", "right"] as const;
  return alignColumns([head, ...rows], { aligns });
}

/** Where in its life a TD stands, in one word. */
function stateOf({ destroyed, teardown, finalized }: TdReport): string {
  if (destroyed) return "destroyed";
  if (teardown !== null) return "half destroyed";
  return finalized ? "runnable" : "created";
}

function total(counts: readonly IoctlCounts[]): number {
  return counts.reduce((sum, { seamcalls }) => sum + seamcalls.total, 0);
}

function sheet(report: TdReport, width: number): string[] {
  const { teardown } = report;
  return [
    `SIMULATED TD ${report.name}, kernel ${report.kernel}`,
    "",
    ...alignColumns(facts(report), { aligns: ["left", "left"] }),
    ...countsSection("SEAMCALLs by ioctl", report.ioctls, width),
    ...countsSection(`Teardown by ${teardown?.strategy}`, teardown?.phases ?? [], width),
    ...runsSection(report),
  ];
}

function facts(report: TdReport): string[][] {
  const { options, privatePages, lifecycle, opState, hkid, hkidState, pagesLeaked } = report;
  const mapped = `${formatSize(report.populatedBytes)} of ${formatSize(options.memoryBytes)}`;
  const pages = [
    `${formatCount(privatePages["4K"])} of 4K`,
    `${formatCount(privatePages["2M"])} of 2M`,
    `${formatCount(report.septPages)} Secure EPT`,
    `${formatCount(report.controlPages)} control`,
    ...(pagesLeaked === 0 ? [] : [`${formatCount(pagesLeaked)} leaked`]),
  ];
  return [
    ["State", stateOf(report)],
    ["Lifecycle", lifecycle === null ? "none" : `${lifecycle}, op state ${opState ?? "none"}`],
    ["HKID", hkid === null ? "none" : `${hkid} (${hkidState ?? "unknown"})`],
    ["Mapped", `${mapped}, ${options.layout}`],
    ["Pages", pages.join(", ")],
    ["vCPUs", `${report.vcpus} of ${options.vcpus}`],
  ];
}

function countsSection(title: string, counts: readonly IoctlCounts[], width: number): string[] {
  if (counts.length === 0) return [];
  const lines = counts.flatMap(({ ioctl, seamcalls, statuses }) => [
    `  ${ioctl}: ${formatCount(seamcalls.total)}`,
    ...wrapCounts(seamcalls.byLeaf, width),
    ...wrapCounts(failuresOf(statuses), width),
  ]);
  return ["", title, ...lines];
}

function failuresOf(statuses: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(statuses).filter(([name]) => name !== "TDX_SUCCESS"));
}

/** Names with their counts, broken between them and never inside one. */
function wrapCounts(counts: Readonly<Record<string, number>>, width: number): string[] {
  const glue = "\u00a0";
  const items = Object.entries(counts).map(
    ([name, count]) => `${name}${glue}${formatCount(count)}`,
  );
  if (items.length === 0) return [];
  return wrapText(items.join(", "), width, "    ").map((line) => line.replaceAll(glue, " "));
}

function runsSection({ pageRuns, pageRunsOmitted }: TdReport): string[] {
  if (pageRuns.length === 0) return [];
  const shown = pageRuns.slice(0, RUNS_SHOWN);
  const cells = shown.map(({ gpa, size, pages, state }) => [gpa, formatCount(pages), size, state]);
  const hidden = pageRuns.length - shown.length + pageRunsOmitted;
  return [
    "",
    "Runs of private pages",
    ...alignColumns(cells, { aligns: ["left", "right", "left", "left"], indent: 2 }),
    ...(hidden === 0 ? [] : [`  and ${formatCount(hidden)} more`]),
  ];
}
