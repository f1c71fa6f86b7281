import type { Run } from "../../lab/result.ts";
import { escapeControls } from "../control-characters.ts";
import { outcomesOf, titleOf } from "../outcomes.ts";

export const about = "annotations of GitHub Actions; Markdown is added to $GITHUB_STEP_SUMMARY";

/** Workflow commands of GitHub Actions: an annotation for each expectation that failed. */
export function render(runs: readonly Run[]): string {
  const all = runs.flatMap((run) =>
    outcomesOf(run).map((outcome) => ({ title: titleOf(run), ...outcome })),
  );
  const failed = all.filter(({ passed }) => !passed);
  const lines = failed.map(({ title, name, level, detail }) => {
    const command = level === "error" ? "error" : "warning";
    return `::${command} title=${property(`tdx-sim: ${title}`)}::${message(`${name}: ${detail}`)}`;
  });
  const passed = all.length - failed.length;
  const summary = `tdx-sim (simulated): ${passed} of ${all.length} expectations hold`;
  return `${[...lines, `::notice title=tdx-sim::${message(summary)}`].join("\n")}\n`;
}

/** What ends a command or starts the next one is written in per cent. */
function message(text: string): string {
  return escapeControls(text).replaceAll("%", "%25");
}

function property(text: string): string {
  return message(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
