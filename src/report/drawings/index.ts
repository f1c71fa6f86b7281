// Written by scripts/indexes.mjs from the files of this folder.
import type { Drawing } from "../format.ts";

/** Drawings by the name `--export` takes. */
export const DRAWINGS = {
  folded: () => import("./folded.ts"),
  html: () => import("./html.ts"),
  perfetto: () => import("./perfetto.ts"),
  svg: () => import("./svg.ts"),
} as const satisfies Record<string, () => Promise<Drawing>>;
