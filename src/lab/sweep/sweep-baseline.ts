/** The rows of an earlier sweep, to hold a sweep against. */
import { Failure } from "../../units/failure.ts";
import { isResult } from "../expect/baseline-file.ts";
import type { Result } from "../result.ts";

type Row = Readonly<Record<string, unknown>>;
type Tree = { [key: string]: unknown };

/**
 * What a comparison reads of each point's result, by the number of the point.
 *
 * @param text `tdx-sim/sweep/v1`, or its rows as NDJSON
 * @throws Failure `data`
 */
export function parseSweepBaseline(text: string, path: string): ReadonlyMap<number, Result> {
  const points = new Map<number, Result>();
  for (const row of rowsOf(text, path)) {
    const point = row["sweep.point"];
    const result = { ...treeOf(row), schema: "tdx-sim/result/v1" } as unknown as Result;
    if (typeof point !== "number") throw noSweep(path);
    const earlier = points.get(point)?.strategies ?? [];
    const read = { ...result, strategies: [...earlier, ...result.strategies] };
    if (!isResult(read)) throw noSweep(path);
    points.set(point, read);
  }
  return points;
}

function rowsOf(text: string, path: string): readonly Row[] {
  const [first = ""] = text.split("\n", 1);
  try {
    if (first.startsWith('{"schema":"tdx-sim/row/v1"')) {
      return text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Row);
    }
    const { schema, rows } = (JSON.parse(text) ?? {}) as { schema?: unknown; rows?: unknown };
    if (schema === "tdx-sim/sweep/v1" && Array.isArray(rows)) return rows as Row[];
  } catch (cause) {
    throw noSweep(path, cause);
  }
  throw noSweep(path);
}

/** A row's columns by their paths: those of the strategy in its entry, the TD's in `td`. */
function treeOf(row: Row): Tree {
  const tree: Tree = {};
  for (const [path, cell] of Object.entries(row)) {
    const keys = path.split(".");
    const last = keys.pop() ?? "";
    let at = tree;
    for (const key of keys) {
      at[key] ??= {};
      at = at[key] as Tree;
    }
    at[last] = cell;
  }
  return { ...tree, td: tree, strategies: [tree] };
}

function noSweep(path: string, cause?: unknown): Failure {
  return new Failure("data", `${path} has no rows of a sweep`, {
    hint: "the baseline of a sweep is what sweep --format json or ndjson printed",
    cause,
  });
}
