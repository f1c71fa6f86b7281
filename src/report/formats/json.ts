import { type FailedRun, isFailed, type Result, type Run, resultsOf } from "../../lab/result.ts";
import { VERSION } from "../../lab/version.ts";
import { jsonText } from "../control-characters.ts";
import type { Cell } from "../rows.ts";
import { sweepRecord } from "../sweep-rows.ts";

export const about = "one versioned document (schema tdx-sim/result/v1, tdx-sim/td/v1)";

/** `tdx-sim/run/v1`: results, and what came to none, in the order of the scenarios. */
interface RunDocument {
  readonly schema: "tdx-sim/run/v1";
  readonly simulated: true;
  readonly version: string;
  readonly results: readonly Result[];
  /** Absent where every scenario came to a result. */
  readonly failed?: readonly FailedRun[];
}

/** A result as `tdx-sim/result/v1`, several as `tdx-sim/run/v1`, indented by two. */
export function render(runs: readonly Run[]): string {
  const results = resultsOf(runs);
  const failed = runs.filter(isFailed);
  const document: RunDocument = {
    schema: "tdx-sim/run/v1",
    simulated: true,
    version: VERSION,
    results,
    ...(failed.length === 0 ? {} : { failed }),
  };
  const isAlone = runs.length === 1 && failed.length === 0;
  return `${jsonText(isAlone ? results[0] : document, 2)}\n`;
}

/** `tdx-sim/sweep/v1`: a head, and rows as in NDJSON, one a line. */
export function* renderRows(rows: readonly (readonly Cell[])[]): Generator<string> {
  const head = jsonText({ schema: "tdx-sim/sweep/v1", simulated: true, version: VERSION });
  yield `${head.slice(0, -1)},"rows":[`;
  for (const [i, cells] of rows.entries()) {
    yield `${i === 0 ? "" : ","}\n${jsonText(sweepRecord(cells))}`;
  }
  yield "\n]}\n";
}
