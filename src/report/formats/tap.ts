import type { Run } from "../../lab/result.ts";
import { escapeControls } from "../control-characters.ts";
import { outcomesOf, titleOf } from "../outcomes.ts";

export const about = "Test Anything Protocol 14";

/** Test Anything Protocol 14: a line for each expectation, its values in YAML below. */
export function render(runs: readonly Run[]): string {
  const lines = runs.flatMap((run) =>
    outcomesOf(run).map((outcome) => ({ title: titleOf(run), ...outcome })),
  );
  const body = lines.flatMap(({ title, name, level, passed, detail }, i) => {
    const what = described(`${title}: ${name}`);
    // A warning that failed is something still to do: reported, and no failure.
    const todo = !passed && level === "warn" ? " # TODO a warning, not an error" : "";
    return [
      `${passed ? "ok" : "not ok"} ${i + 1} - ${what}${todo}`,
      "  ---",
      `  message: ${JSON.stringify(escapeControls(detail))}`,
      ...(passed ? [] : [`  severity: ${level === "warn" ? "todo" : "fail"}`]),
      "  ...",
    ];
  });
  return `${["TAP version 14", "# tdx-sim, simulated", `1..${lines.length}`, ...body].join("\n")}\n`;
}

/** In a description # begins a directive and \ escapes. */
function described(text: string): string {
  return escapeControls(text).replace(/[\\#]/g, "\\$&");
}
