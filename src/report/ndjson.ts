import { type Run, resultsOf } from "../lab/result.ts";
import { jsonText } from "./control-characters.ts";
import { flatRows } from "./rows.ts";

/** One JSON object a line for each strategy, flat, always with the same keys. */
export function renderNdjson(runs: readonly Run[]): string {
  return resultsOf(runs)
    .flatMap(flatRows)
    .map((row) => `${jsonText(row)}\n`)
    .join("");
}
