import type { Result } from "../lab/result.ts";
import { jsonText } from "./control-characters.ts";

/** The whole result as `tdx-sim/result/v1`, indented by two. */
export function renderJson(result: Result): string {
  return `${jsonText(result, 2)}\n`;
}
