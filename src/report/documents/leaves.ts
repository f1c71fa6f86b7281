import type { LeafCoverage, LeafCoverageReport } from "../../lab/leaf-coverage.ts";
import { formatCount } from "../../units/count.ts";
import { alignColumns, wrapText } from "../layout.ts";
import type { FlatRow } from "../rows.ts";
import { type RecordsDocument, recordsDocument } from "./records.ts";

/** What belongs to a leaf stands under its name. */
const INDENT = "no.  ".length;

/** `tdx-sim/leaves/v1` for every format; a row for each leaf, or for each status reached. */
export function leavesDocument(report: LeafCoverageReport): RecordsDocument {
  return recordsDocument({
    json: report,
    rowSchema: "leaf-row",
    rows: report.leaves.flatMap(rowsOf),
    table: ({ width }) => [...summaryOf(report), "", ...tableOf(report.leaves, width)],
  });
}

function summaryOf({ module, leaves, pairsReached }: LeafCoverageReport): string[] {
  const host = leaves.filter(({ caller }) => caller === "host");
  const count = (degree: LeafCoverage["emulated"]): number =>
    host.filter(({ emulated }) => emulated === degree).length;
  const emulated = `${count("fully")} emulated fully, ${count("in part")} in part, ${count("not")} not`;
  return [
    `TDX module ${module}, ${host.length} host leaves: ${emulated}`,
    ...(pairsReached === null
      ? []
      : [`${formatCount(pairsReached)} pairs of leaf and status reached`]),
  ];
}

function rowsOf({ reached, unreached, ...leaf }: LeafCoverage): FlatRow[] {
  if (reached === null) return [leaf];
  const statuses = [
    ...Object.entries(reached),
    ...(unreached ?? []).map((status) => [status, 0] as const),
  ];
  if (statuses.length === 0) return [{ ...leaf, status: null, answers: 0 }];
  return statuses.map(([status, answers]) => ({ ...leaf, status, answers }));
}

function tableOf(leaves: readonly LeafCoverage[], width: number): string[] {
  const rows = leaves.map(({ number, leaf, emulated }) => [String(number), leaf, emulated]);
  const lines = alignColumns([["no.", "leaf", "emulated"], ...rows], {
    aligns: ["right", "left", "left"],
  });
  const indent = " ".repeat(INDENT);
  return lines.flatMap((line, index) => {
    const leaf = leaves[index - 1];
    if (leaf === undefined) return [line];
    const missing =
      leaf.missing === null || leaf.emulated === "not"
        ? []
        : wrapText(`missing: ${leaf.missing}`, width, indent);
    return [line, ...missing, ...statusLines(leaf)];
  });
}

/** The statuses reached with their counts, then those that were not. */
function statusLines({ reached, unreached }: LeafCoverage): string[] {
  const rows = [
    ...Object.entries(reached ?? {}).map(([status, count]) => [formatCount(count), status]),
    ...(unreached ?? []).map((status) => ["-", status]),
  ];
  return alignColumns(rows, { aligns: ["right", "left"], indent: INDENT });
}
