import type { Profile } from "../cost/profile.ts";
import { type ExplainedStrategy, explainStrategy } from "../lab/explain-strategy.ts";
import { generation, strategyOf } from "../lab/kernels.ts";
import type { Result } from "../lab/result.ts";
import type { Trace } from "../lab/trace/trace.ts";
import { parseWhatIf } from "../lab/what-if.ts";
import type { Theme } from "./svg-theme.ts";

/** Formats to look at, made of a result and of what only its run knows. */
export const DRAWING_NAMES = ["svg", "html", "perfetto", "folded"] as const;
export type DrawingName = (typeof DRAWING_NAMES)[number];

export interface Materials {
  /** The profile that priced the result. */
  readonly profile: Profile;
  readonly theme: Theme;
  /** The order of the calls, for `perfetto`; null where nobody recorded it. */
  readonly trace: Trace | null;
  /** Slices of a trace, about. */
  readonly maxEvents?: number;
}

export function isDrawing(format: string): format is DrawingName {
  return (DRAWING_NAMES as readonly string[]).includes(format);
}

/** How the strategies of a result go, each once. */
function explainedOf({ strategies, whatIf = [] }: Result): ExplainedStrategy[] {
  const whatIfs = whatIf.map(parseWhatIf);
  return strategies.map(({ strategy, kernel }) => {
    const own = generation(kernel);
    return explainStrategy(own, strategyOf(own, strategy), whatIfs);
  });
}

/** A result as one of the drawings, whole or in pieces; the same for the same result. */
export async function draw(
  result: Result,
  name: DrawingName,
  materials: Materials,
): Promise<string | Iterable<string>> {
  const { theme, profile, trace, maxEvents } = materials;
  switch (name) {
    case "svg":
      return (await import("./svg.ts")).renderSvg(result, theme);
    case "html":
      return (await import("./html.ts")).renderHtml(result, {
        profile,
        theme,
        explained: explainedOf(result),
      });
    case "folded":
      return (await import("./folded.ts")).renderFolded(result);
    case "perfetto": {
      if (trace === null) throw new Error("the run was not recorded");
      return (await import("./perfetto.ts")).perfettoChunks(trace, maxEvents);
    }
  }
}
