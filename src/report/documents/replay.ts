import type { Mismatch } from "../../lab/replay/mismatch.ts";
import type { ReplayResult } from "../../lab/replay/replay.ts";
import { formatCount, formatCounted } from "../../units/count.ts";
import { escapeControls } from "../control-characters.ts";
import { type RecordsDocument, recordsDocument } from "./records.ts";

/** `tdx-sim/replay/v1` for every format; rows are the mismatches that it lists. */
export function replayDocument(result: ReplayResult): RecordsDocument {
  const { sequences, steps, seamcalls, mismatches, first } = result;
  const left = mismatches - first.length;
  return recordsDocument({
    json: result,
    rowSchema: "replay-row",
    rows: first.map((mismatch) => ({ ...mismatch })),
    table: () => [
      [
        formatCounted(sequences, "sequence"),
        formatCounted(steps, "step"),
        formatCounted(seamcalls, "SEAMCALL"),
        `${formatCounted(countPairs(result), "pair")} of leaf and status`,
      ].join(", "),
      verdictOf(result),
      ...first.flatMap((mismatch) => ["", ...linesOf(mismatch)]),
      ...(left === 0 ? [] : ["", `${formatCount(left)} more; --all lists them`]),
    ],
  });
}

/** The outcome in a few words: `2 mismatches in 1 sequence`. */
export function verdictOf({ mismatches, sequencesWithMismatch }: ReplayResult): string {
  if (mismatches === 0) return "0 mismatches";
  const found = formatCounted(mismatches, "mismatch", "mismatches");
  return `${found} in ${formatCounted(sequencesWithMismatch, "sequence")}`;
}

function countPairs({ pairs }: ReplayResult): number {
  return Object.values(pairs).reduce((sum, statuses) => sum + Object.keys(statuses).length, 0);
}

function linesOf(mismatch: Mismatch): string[] {
  const { sequence, step, leaf, field, expected, actual, expectedStatus, actualStatus } = mismatch;
  const place = step === null ? "end state" : `step ${step}${leaf === null ? "" : ` ${leaf}`}`;
  const values = [
    `${sequence} ${place}: ${field}`,
    `  recorded ${expected}${expectedStatus === null ? "" : `  (${expectedStatus})`}`,
    `  emulated ${actual}${actualStatus === null ? "" : `  (${actualStatus})`}`,
  ];
  return values.map(escapeControls);
}
