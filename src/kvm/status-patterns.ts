import type { Status } from "../module/status.ts";

/** Whether a status is one of those named, with or without their operand. */
export function matches(patterns: readonly string[], status: Status): boolean {
  return patterns.includes(status.text) || patterns.includes(status.name);
}
