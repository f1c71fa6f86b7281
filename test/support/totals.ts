import { TestRunner } from "vitest";

/** What one test adds to a row of docs/reliability.md. */
export interface Total {
  /** The row's id, such as "E6". */
  readonly row: string;
  readonly cases: number;
  /** What is counted, in the plural. */
  readonly of: string;
}

declare module "vitest" {
  interface TaskMeta {
    totals?: Total[];
  }
}

/**
 * Adds cases to a row of the nightly run's table (scripts/nightly-totals.mjs). To be called inside
 * a test, before the cases are run where their number is known: a test that fails first is missing
 * from the table. The test's duration is shared among the rows that it names.
 *
 * @param of what the cases are, in the plural: "kills", "pairs of faults"
 */
export function tally(row: string, cases: number, of: string): void {
  const test = TestRunner.getCurrentTest();
  if (test === undefined) throw new Error("tally is for the inside of a test");
  const { meta } = test;
  meta.totals = [...(meta.totals ?? []), { row, cases, of }];
}
