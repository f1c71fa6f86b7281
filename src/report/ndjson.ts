import type { Result } from "../lab/result.ts";
import { jsonText } from "./control-characters.ts";
import { flatRows } from "./rows.ts";

/** One JSON object a line for each strategy, flat, always with the same keys. */
export function renderNdjson(result: Result): string {
  return flatRows(result)
    .map((row) => `${jsonText(row)}\n`)
    .join("");
}
