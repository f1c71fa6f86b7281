import { type Run, resultsOf } from "../../lab/result.ts";
import { jsonText } from "../control-characters.ts";
import type { RowStream } from "../format.ts";
import { flatRows } from "../rows.ts";
import { ndjsonLine } from "../sweep-rows.ts";

export const about = "one flat JSON object a line: per strategy, or per TD";

/** One JSON object a line for each strategy, flat, always with the same keys. */
export function render(runs: readonly Run[]): string {
  return resultsOf(runs)
    .flatMap(flatRows)
    .map((row) => `${jsonText(row)}\n`)
    .join("");
}

export function rowStream(): RowStream {
  return { head: "", line: ndjsonLine };
}
