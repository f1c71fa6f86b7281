import { appendFileSync } from "node:fs";
import type { Run } from "../lab/result.ts";
import { render } from "../report/render.ts";
import { withPath } from "../store/storage.ts";
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
  if (!wantsSummary(console, options)) return;
  const look = { format: "markdown", color: false, width: SUMMARY_WIDTH } as const;
  appendSummary(console, await render(runs, look));
}

/** Whether a job waits for Markdown. */
export function wantsSummary({ environment }: Console, options: OutputOptions): boolean {
  const formats = [options.format, ...(options.export ?? []).map(({ format }) => format)];
  return (environment["GITHUB_STEP_SUMMARY"] ?? "") !== "" && formats.includes("github");
}

/** @throws Failure `io` */
export function appendSummary({ environment }: Console, text: string): void {
  const path = environment["GITHUB_STEP_SUMMARY"] ?? "";
  withPath({ verb: "write to", path }, () => appendFileSync(path, `${text}\n`));
}
