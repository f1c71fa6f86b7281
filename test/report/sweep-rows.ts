import type { Result } from "../../src/lab/result.ts";
import { type FlatRow, flatRows } from "../../src/report/rows.ts";
import { COMPARISON } from "./example-result.ts";

/** Rows of a sweep over memory and, if wanted, vCPUs; times grow with the memory. */
export function sweepRows(gibs: readonly number[], vcpus: readonly number[] = [4]): FlatRow[] {
  return vcpus.flatMap((count) => gibs.flatMap((gib) => flatRows(grown(gib, count))));
}

function grown(gib: number, vcpus: number): Result {
  const factor = (gib / 16) * (1 + vcpus / 100);
  return {
    ...COMPARISON,
    command: "sweep",
    td: { ...COMPARISON.td, memoryBytes: gib * 2 ** 30, vcpus },
    strategies: COMPARISON.strategies.map((entry) => {
      const { low, mid, high } = entry.elapsedNs;
      const scaled = { low: low * factor, mid: mid * factor, high: high * factor };
      return { ...entry, elapsedNs: { ...entry.elapsedNs, ...scaled } };
    }),
  };
}
