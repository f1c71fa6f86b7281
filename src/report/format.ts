import type { Profile } from "../cost/profile.ts";
import type { Result, Run } from "../lab/result.ts";
import type { Trace } from "../lab/trace/trace.ts";
import type { Cell } from "./rows.ts";
import type { Theme } from "./svg-theme.ts";

/** A document, whole or in pieces. */
export type Content = string | Iterable<string>;

/** What only the formats for people heed. */
export interface Appearance {
  /** Whether terminal colours are wanted; the bytes of data formats never depend on it. */
  readonly color: boolean;
  /** Columns of the terminal. */
  readonly width: number;
  /** Whether the terminal shows block characters; ASCII alone unless given. */
  readonly unicode?: boolean;
}

/** Rows of a sweep that are written as they come. */
export interface RowStream {
  readonly head: string;
  line(cells: readonly Cell[]): string;
}

/**
 * A format for `--format` and `--export`: what a file of `formats/` exports, the name of the file
 * being the name of the format. `about` and `render` are all that it needs.
 */
export interface Format {
  /** Its line in `tdx-sim help formats`. */
  readonly about: string;
  /**
   * The bytes of one or several runs, newline at the end; the same for the same runs. Rows have no
   * place for what came to no result.
   */
  render(runs: readonly Run[], appearance: Appearance): string | Promise<string>;
  /** A sweep row by row. Without it and `renderRows` the judged results of its points are told. */
  rowStream?(): RowStream;
  /** A sweep when all its rows are there. */
  renderRows?(
    rows: readonly (readonly Cell[])[],
    appearance: Appearance,
  ): Content | Promise<Content>;
}

/** What only the run of a result knows. */
export interface Materials {
  /** The profile that priced the result. */
  readonly profile: Profile;
  readonly theme: Theme;
  /** The order of the calls, for `perfetto`; null where nobody recorded it. */
  readonly trace: Trace | null;
  /** Slices of a trace, about. */
  readonly maxEvents?: number | undefined;
}

/** A format to look at, for `--export` alone: what a file of `drawings/` exports, as for formats. */
export interface Drawing {
  readonly about: string;
  draw(result: Result, materials: Materials): Content | Promise<Content>;
}
