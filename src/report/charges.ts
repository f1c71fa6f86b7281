import type { ExplainedTerm, Explanation } from "../lab/explain-estimate.ts";
import type { EstimatedInterval } from "../lab/result.ts";
import { formatCount } from "../units/count.ts";
import {
  formatDuration,
  formatDurationRange,
  formatEstimate,
  formatPercent,
} from "../units/duration.ts";
import { formatSize } from "../units/size.ts";
import { escapeControls } from "./control-characters.ts";
import { alignColumns, wrapText } from "./layout.ts";
import type { FlatRow } from "./rows.ts";

/** The sum that an estimate is, for people: count x price per term, largest first. */
export function chargesSheet(explanation: Explanation, width: number): string[] {
  const { terms, phases, elapsedNs, fits } = explanation;
  const lines = [
    ...heading(explanation, width),
    ...terms.flatMap((term) => ["", ...termLines(term, width)]),
    "",
    `Estimated time ${formatEstimate(elapsedNs)}`,
    ...alignColumns(
      phases.map(({ phase, elapsedNs: time }) => [
        phase,
        formatDuration(time.mid),
        formatDurationRange(time.low, time.high),
        time.basis,
      ]),
      { aligns: ["left", "right", "left", "left"], indent: 2 },
    ),
    ...fits.flatMap(({ fit, tolerance, toleranceAbove }) => {
      const above = (toleranceAbove ?? tolerance).value;
      const range = `-${formatPercent(tolerance.value)} to +${formatPercent(above)}`;
      return wrapText(
        `The sum of ${fit} is known to ${range} inside what was measured (${tolerance.basis}: ` +
          `${tolerance.source}); its parts are not, so their ranges do not add up to its own.`,
        width,
      );
    }),
    ...(elapsedNs.reasons ?? []).flatMap((reason) => wrapText(reason, width, "- ")),
  ];
  return lines.map(escapeControls);
}

function heading({ subject, td, kernel, module, version, profile }: Explanation, width: number) {
  const { memoryBytes, populatedBytes, vcpus, pageSize } = td;
  const mapped = populatedBytes === memoryBytes ? "" : `, ${formatSize(populatedBytes)} mapped`;
  return [
    ...wrapText(
      `SIMULATED ${subject} of a TD of ${formatSize(memoryBytes)}${mapped}, ${vcpus} vCPUs, ` +
        `pages of ${pageSize}: what the estimated time is the sum of`,
      width,
    ),
    `tdx-sim ${version}, kernel ${kernel}, TDX module ${module}, cost profile ${profile.name}`,
  ];
}

function termLines(term: ExplainedTerm, width: number): string[] {
  const { priceNs, timeNs, count, parts = [] } = term;
  return [
    ...wrapText(`${term.term} in ${term.phases.join(", ")}`, width),
    ...wrapText(`${formatCount(count)} x ${formatEstimate(priceNs)}`, width, "  "),
    ...wrapText(`= ${formatEstimate(timeNs)}`, width, "  "),
    ...wrapText(`from ${term.source}`, width, "    "),
    ...parts.map(({ leaf, timeNs: part }) => `    of which ${leaf} ${formatEstimate(part)}`),
  ];
}

function spread(prefix: string, { low, mid, high, basis }: EstimatedInterval): FlatRow {
  return {
    [`${prefix}.low`]: low,
    [`${prefix}.mid`]: mid,
    [`${prefix}.high`]: high,
    [`${prefix}.basis`]: basis,
  };
}

/** One record for each term of the sum, in its order. */
export function chargesRows(explanation: Explanation): FlatRow[] {
  const { version, kernel, module, profile, subject, td, terms } = explanation;
  return terms.map(({ term, phases, count, priceNs, timeNs, source, conditions }) => ({
    schema: "tdx-sim/explanation-row/v1",
    simulated: true,
    version,
    kernel,
    module,
    "profile.name": profile.name,
    "profile.sha256": profile.sha256,
    subject,
    ...td,
    term,
    phases: phases.join(" "),
    count,
    ...spread("priceNs", priceNs),
    ...spread("timeNs", timeNs),
    source,
    conditions,
  }));
}
