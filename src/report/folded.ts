import type { Result } from "../lab/result.ts";
import { escapeControls } from "./control-characters.ts";

/** Nothing in a frame may look like the end of it, or like the count. */
function frame(name: string): string {
  return escapeControls(name).replace(/[; ]/g, "_");
}

/**
 * Folded stacks for flame graphs: `phase;leaf count`, below the strategy where there are several.
 * The widths are exact numbers of SEAMCALLs, not times.
 */
export function renderFolded({ strategies }: Result): string {
  const several = strategies.length > 1;
  const oneKernel = new Set(strategies.map(({ kernel }) => kernel)).size <= 1;
  return strategies
    .flatMap(({ strategy, kernel, phases }) => {
      const name = oneKernel ? strategy : `${strategy}@${kernel}`;
      const root = several ? `${frame(name)};` : "";
      return phases.flatMap(({ phase, seamcalls }) =>
        Object.entries(seamcalls.byLeaf).map(
          ([leaf, count]) => `${root}${frame(phase)};${frame(leaf)} ${count}\n`,
        ),
      );
    })
    .join("");
}
