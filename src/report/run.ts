/** Several results in one document, for `run` with several scenarios. */
import { type FailedRun, isFailed, type Result, type Run, resultsOf } from "../lab/result.ts";
import { VERSION } from "../lab/version.ts";
import { escapeControls, jsonText } from "./control-characters.ts";
import { renderCsvOf } from "./csv.ts";
import { renderGithubOf } from "./github.ts";
import { type Appearance, FORMATS, type FormatName, type RenderOptions } from "./index.ts";
import { renderJunitOf } from "./junit.ts";
import { escapeMarkdown } from "./markdown.ts";
import { renderTapOf } from "./tap.ts";

type RunRenderer = (runs: readonly Run[]) => string | Promise<string>;

/** `tdx-sim/run/v1`: results, and what came to none, in the order of the scenarios. */
export interface RunDocument {
  readonly schema: "tdx-sim/run/v1";
  readonly simulated: true;
  readonly version: string;
  readonly results: readonly Result[];
  /** Absent where every scenario came to a result. */
  readonly failed?: readonly FailedRun[];
}

function renderJsonOf(runs: readonly Run[]): string {
  const failed = runs.filter(isFailed);
  const document: RunDocument = {
    schema: "tdx-sim/run/v1",
    simulated: true,
    version: VERSION,
    results: resultsOf(runs),
    ...(failed.length === 0 ? {} : { failed }),
  };
  return `${jsonText(document, 2)}\n`;
}

/** Formats that have a head or a count of their own; the others follow each other. */
const TOGETHER: Readonly<Partial<Record<FormatName, RunRenderer>>> = {
  json: renderJsonOf,
  csv: (runs) => renderCsvOf(resultsOf(runs)),
  junit: renderJunitOf,
  github: renderGithubOf,
  tap: renderTapOf,
};

/** For the formats that people read; rows have no place for what came to no result. */
const FAILED: Readonly<Partial<Record<FormatName, (run: FailedRun) => string>>> = {
  table: ({ scenario, error }) =>
    `SIMULATED run, scenario ${scenario.name}: no result\n\n${escapeControls(error.message)}\n`,
  markdown: ({ scenario, error }) =>
    `**SIMULATED run, scenario ${scenario.name}: no result**\n\n` +
    `${escapeMarkdown(escapeControls(error.message))}\n`,
};

/** The bytes of several runs in one format; a single result is rendered as by itself. */
export async function renderRun(runs: readonly Run[], options: RenderOptions): Promise<string> {
  const isAlone = runs.length === 1 && !runs.some(isFailed);
  const together = isAlone ? undefined : TOGETHER[options.format];
  if (together !== undefined) return together(runs);
  const renderer: (result: Result, appearance: Appearance) => string | Promise<string> =
    FORMATS[options.format];
  const texts = await Promise.all(
    runs.map((run) =>
      isFailed(run) ? (FAILED[options.format]?.(run) ?? "") : renderer(run, options),
    ),
  );
  const isText = options.format === "table" || options.format === "markdown";
  return texts.join(isText ? "\n" : "");
}
