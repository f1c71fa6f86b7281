import type { Run } from "../lab/result.ts";
import type { Appearance } from "./appearance.ts";
import { renderCsv } from "./csv.ts";
import { renderGithub } from "./github.ts";
import { renderJson } from "./json.ts";
import { renderJunit } from "./junit.ts";
import { renderMarkdown } from "./markdown.ts";
import { renderNdjson } from "./ndjson.ts";
import { renderTable } from "./table.ts";
import { renderTap } from "./tap.ts";

type Renderer = (runs: readonly Run[], appearance: Appearance) => string | Promise<string>;

/** Formats by the name `--format` takes. */
export const FORMATS = {
  table: renderTable,
  json: renderJson,
  ndjson: renderNdjson,
  csv: renderCsv,
  markdown: renderMarkdown,
  junit: renderJunit,
  github: renderGithub,
  tap: renderTap,
} as const satisfies Record<string, Renderer>;

export type FormatName = keyof typeof FORMATS;
export const FORMAT_NAMES = Object.keys(FORMATS) as FormatName[];

export interface RenderOptions extends Appearance {
  readonly format: FormatName;
}

/**
 * The bytes of one or several runs in one format, newline at the end; the same for the same runs.
 * Rows have no place for what came to no result.
 */
export async function render(runs: readonly Run[], options: RenderOptions): Promise<string> {
  const renderer: Renderer = FORMATS[options.format];
  return renderer(runs, options);
}
