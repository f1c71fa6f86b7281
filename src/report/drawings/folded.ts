import type { Result } from "../../lab/result.ts";
import { escapeControls } from "../control-characters.ts";
import { strategyLabels } from "../sheet.ts";

export const about = "stacks for flame graphs: exact counts, no times";

/** Nothing in a frame may look like the end of it, or like the count. */
function frame(name: string): string {
  return escapeControls(name).replace(/[; ]/g, "_");
}

/**
 * Folded stacks for flame graphs: `phase;leaf count`, below the strategy where there are several.
 * The widths are exact numbers of SEAMCALLs, not times.
 */
export function draw(result: Result): string {
  const labels = strategyLabels(result);
  return result.strategies
    .flatMap(({ phases }, index) => {
      const root = labels.length > 1 ? `${frame(labels[index] ?? "")};` : "";
      return phases.flatMap(({ phase, seamcalls }) =>
        Object.entries(seamcalls.byLeaf).map(
          ([leaf, count]) => `${root}${frame(phase)};${frame(leaf)} ${count}\n`,
        ),
      );
    })
    .join("");
}
