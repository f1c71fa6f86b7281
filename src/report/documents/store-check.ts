import type { StoreCheck } from "../../store/care.ts";
import { escapeControls } from "../control-characters.ts";
import { alignColumns } from "../layout.ts";
import { type RecordsDocument, recordsDocument } from "./records.ts";

/** What `store check` found, for every format: a row for each generation. */
export function storeCheckDocument(check: StoreCheck): RecordsDocument {
  return recordsDocument({
    json: { schema: "tdx-sim/store-check/v1", ...check },
    columns: ["generation", "file", "state", "reason"],
    rowSchema: "store-check-row",
    rows: check.generations.map((generation) => ({ ...generation })),
    table: () => linesOf(check),
  });
}

function linesOf({ directory, generations, lock, temporaryFiles }: StoreCheck): string[] {
  const rows = generations.map(({ generation, state, reason }) => [
    String(generation),
    state,
    reason,
  ]);
  return [
    `Store ${escapeControls(directory)}`,
    `Lock: ${lockText(lock)}`,
    ...(temporaryFiles === 0 ? [] : [`Unfinished files, harmless: ${temporaryFiles}`]),
    rows.length === 0 ? "No generation: nothing was ever stored" : "Generations, newest first:",
    ...alignColumns(rows, { aligns: ["right"], indent: 2 }),
  ];
}

function lockText(lock: StoreCheck["lock"]): string {
  if (lock === null) return "free";
  const state = lock.alive ? "held" : "left by a process that no longer runs";
  if (lock.holder === null) return `${state}, ID ${lock.id}, holder unreadable`;
  const { command, pid, host, since } = lock.holder;
  return escapeControls(
    `${state}, ID ${lock.id}, "${command}", process ${pid} on ${host}, since ${since}`,
  );
}
