import type { ExplainedStrategy } from "../lab/explain-strategy.ts";
import { procedureSheet } from "./procedure.ts";
import { escapeXml } from "./svg-parts.ts";
import { renderSequenceSvg } from "./svg-sequence.ts";
import type { Theme } from "./svg-theme.ts";

const TEXT_COLUMNS = 100;

/** How each strategy goes, step by step: drawn, and in words with locks, retries and sources. */
export function sequenceSection(explained: readonly ExplainedStrategy[], theme: Theme): string {
  if (explained.length === 0) return "";
  const details = explained.map((each, index) => {
    const name = escapeXml(`${each.strategy} in ${each.kernel}`);
    const words = procedureSheet(each, TEXT_COLUMNS).map(escapeXml).join("\n");
    return (
      `<details><summary>${name}</summary>` +
      `<div class="scroll" role="region" tabindex="0" aria-label="${name}, drawn">` +
      `${renderSequenceSvg(each, theme, `sequence-${index}`)}</div>` +
      `<div class="scroll" role="region" tabindex="0" aria-label="${name}, in words">` +
      `<pre>${words}</pre></div></details>`
    );
  });
  return (
    '<section id="sequences" aria-labelledby="sequences-h">' +
    `<h2 id="sequences-h">Step by step</h2>${details.join("")}</section>`
  );
}
