import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { inject, onTestFinished } from "vitest";

/** A new empty directory, absolute path; it is removed when the test run ends. */
export function temporaryDirectory(prefix = "dir"): string {
  return mkdtempSync(join(inject("temporaryRoot"), `${prefix}-`));
}

/** Linux keeps these files in memory, where making them durable takes no time. */
const IN_MEMORY = "/dev/shm";

/**
 * A new empty directory for one test, in memory where there is such a place: for tests that write
 * thousands of times and whose question is not what a disk keeps.
 */
export function memoryDirectory(prefix = "dir"): string {
  if (!existsSync(IN_MEMORY)) return temporaryDirectory(prefix);
  const directory = mkdtempSync(join(IN_MEMORY, `tdx-sim-test-${prefix}-`));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
