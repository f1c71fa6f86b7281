/** Several results in one document, for `run` with several scenarios. */
import type { Result } from "../lab/result.ts";
import { VERSION } from "../lab/version.ts";
import { renderCsvOf } from "./csv.ts";
import { renderGithubOf } from "./github.ts";
import { type Appearance, FORMATS, type FormatName, type RenderOptions } from "./index.ts";
import { inOrder } from "./json.ts";
import { renderJunitOf } from "./junit.ts";
import { renderTapOf } from "./tap.ts";

type RunRenderer = (results: readonly Result[]) => string | Promise<string>;

/** `tdx-sim/run/v1`: results in the order of the scenarios. */
export interface RunDocument {
  readonly schema: "tdx-sim/run/v1";
  readonly simulated: true;
  readonly version: string;
  readonly results: readonly Result[];
}

function renderJsonOf(results: readonly Result[]): string {
  const document: RunDocument = {
    schema: "tdx-sim/run/v1",
    simulated: true,
    version: VERSION,
    results: results.map(inOrder),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Formats that have a head or a count of their own; the others follow each other. */
const TOGETHER: Readonly<Partial<Record<FormatName, RunRenderer>>> = {
  json: renderJsonOf,
  csv: renderCsvOf,
  junit: renderJunitOf,
  github: renderGithubOf,
  tap: renderTapOf,
};

/** The bytes of several results in one format; a single one is rendered as by itself. */
export async function renderRun(
  results: readonly Result[],
  options: RenderOptions,
): Promise<string> {
  const together = results.length === 1 ? undefined : TOGETHER[options.format];
  if (together !== undefined) return together(results);
  const renderer: (result: Result, appearance: Appearance) => string | Promise<string> =
    FORMATS[options.format];
  const texts = await Promise.all(results.map((result) => renderer(result, options)));
  const isText = options.format === "table" || options.format === "markdown";
  return texts.join(isText ? "\n" : "");
}
