import { appendFileSync } from "node:fs";
import type { Run } from "../lab/result.ts";
import { renderRun } from "../report/run.ts";
import { fileFailure } from "../store/storage.ts";
import type { Console } from "./console.ts";
import type { OutputOptions } from "./outputs.ts";

const SUMMARY_WIDTH = 80;

/**
 * Adds the results in Markdown to the summary page of a GitHub job, where the format `github` was
 * asked for and GITHUB_STEP_SUMMARY names the file.
 *
 * @throws Failure `io`
 */
export async function appendStepSummary(
  console: Console,
  options: OutputOptions,
  runs: readonly Run[],
): Promise<void> {
  const path = console.environment["GITHUB_STEP_SUMMARY"] ?? "";
  const formats = [options.format, ...(options.export ?? []).map(({ format }) => format)];
  if (path === "" || !formats.includes("github")) return;
  const text = await renderRun(runs, { format: "markdown", color: false, width: SUMMARY_WIDTH });
  try {
    appendFileSync(path, `${text}\n`);
  } catch (error) {
    throw fileFailure(error, { verb: "write to", path });
  }
}
