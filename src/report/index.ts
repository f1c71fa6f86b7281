import type { Result } from "../lab/result.ts";
import { renderCsv } from "./csv.ts";
import { renderGithub } from "./github.ts";
import { renderJson } from "./json.ts";
import { renderJunit } from "./junit.ts";
import { renderMarkdown } from "./markdown.ts";
import { renderNdjson } from "./ndjson.ts";
import { renderTable } from "./table.ts";
import { renderTap } from "./tap.ts";

/** What only the formats for people heed. */
export interface Appearance {
  /** Whether terminal colours are wanted; the bytes of data formats never depend on it. */
  readonly color: boolean;
  /** Columns of the terminal. */
  readonly width: number;
  /** Whether the terminal shows block characters; ASCII alone unless given. */
  readonly unicode?: boolean;
}

type Renderer = (result: Result, appearance: Appearance) => string | Promise<string>;

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

/** The bytes of a result in one format, newline at the end; the same for the same result. */
export async function render(result: Result, options: RenderOptions): Promise<string> {
  const renderer: Renderer = FORMATS[options.format];
  return renderer(result, options);
}
