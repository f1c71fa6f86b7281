import type { CapturedRow, ImportedCapture } from "../../lab/import-capture.ts";
import { formatCount } from "../../units/count.ts";
import { formatDuration } from "../../units/duration.ts";
import { formatSize } from "../../units/size.ts";
import { alignColumns, wrapText } from "../layout.ts";
import type { FlatRow } from "../rows.ts";
import { type RecordsDocument, recordsDocument } from "./records.ts";

/** What `calibrate` takes, and nothing else. */
const COLUMNS = [
  "vcpus",
  "memory",
  "pageSize",
  "strategy",
  "kernel",
  "seconds",
  "packages",
  "populated",
  "weight",
  "leaf",
  "source",
] as const;

/** `tdx-sim/capture/v1`; as CSV the rows that `calibrate` takes. */
export function captureDocument(capture: ImportedCapture): RecordsDocument {
  return recordsDocument({
    json: capture,
    rowSchema: "capture-row",
    columns: COLUMNS,
    rows: capture.rows.map((row): FlatRow => ({ ...row })),
    table: ({ width }) => sheet(capture, width),
  });
}

function sheet({ file, rows, counts, remarks }: ImportedCapture, width: number): string[] {
  const counted = counts.map(({ leaf, captured, simulated }) => [
    leaf,
    captured === null ? "-" : formatCount(captured),
    formatCount(simulated),
  ]);
  return [
    `Capture ${file}: ${rows.length} measured times`,
    ...rows.flatMap((row) => rowLines(row, width)),
    "",
    ...alignColumns([["SEAMCALLs", "captured", "SIMULATED"], ...counted], {
      aligns: ["left", "right", "right"],
    }),
    ...(remarks.length === 0 ? [] : ["", "Notes"]),
    ...remarks.flatMap((remark) => wrapText(remark, width, "- ")),
  ];
}

function rowLines(row: CapturedRow, width: number): string[] {
  const { leaf = "end to end", strategy, memory, vcpus, pageSize, kernel, seconds, weight } = row;
  const td = `${strategy}, ${formatSize(memory)}, ${vcpus} vCPUs, ${pageSize}, ${kernel}`;
  const counts = weight === 1 ? "" : `, weight ${weight}`;
  return wrapText(`${leaf}: ${formatDuration(seconds * 1e9)} (${td}${counts})`, width, "  ");
}
