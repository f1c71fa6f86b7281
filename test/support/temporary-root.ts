import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** Directory of this test run; everything below it goes when the run ends. */
    temporaryRoot: string;
  }
}

/** Gives a test run one directory for its files. Workers are terminated without exit hooks, so
 * only the main process can remove it reliably. */
export default function setup(project: TestProject): () => void {
  const root = mkdtempSync(join(tmpdir(), "tdx-sim-test-"));
  project.provide("temporaryRoot", root);
  return () => rmSync(root, { recursive: true, force: true });
}
