import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { inject } from "vitest";

/** A new empty directory, absolute path; it is removed when the test run ends. */
export function temporaryDirectory(prefix = "dir"): string {
  return mkdtempSync(join(inject("temporaryRoot"), `${prefix}-`));
}
