// Written by scripts/indexes.mjs from the files of this folder.
import type { Format } from "../format.ts";
import * as table from "./table.ts";

/** Formats by the name `--format` takes, the default first. */
export const FORMATS = {
  table: () => table,
  csv: () => import("./csv.ts"),
  github: () => import("./github.ts"),
  json: () => import("./json.ts"),
  junit: () => import("./junit.ts"),
  markdown: () => import("./markdown.ts"),
  ndjson: () => import("./ndjson.ts"),
  tap: () => import("./tap.ts"),
} as const satisfies Record<string, () => Format | Promise<Format>>;
