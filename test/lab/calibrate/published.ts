import { readFileSync } from "node:fs";
import { PUBLISHED_2025 } from "../../../src/cost/profiles/published-2025.ts";
import { type Calibration, calibrate } from "../../../src/lab/calibrate/calibrate.ts";
import {
  type MeasurementRow,
  parseMeasurementRows,
} from "../../../src/lab/calibrate/measurement-rows.ts";
import type { StrategyResult } from "../../../src/lab/result.ts";
import { compareFresh } from "../../../src/lab/teardown.ts";

const FILE = new URL("../../../fixtures/published-teardowns.csv", import.meta.url);

/** The six published times as rows of measurements. */
export function publishedRows(): MeasurementRow[] {
  return parseMeasurementRows(readFileSync(FILE, "utf8"), "published-teardowns.csv");
}

export async function calibratePublished(
  rows: readonly MeasurementRow[] = publishedRows(),
): Promise<Calibration> {
  const request = { rows, file: "published-teardowns.csv", name: "refitted" };
  return (await calibrate(request, { step: false })).calibration;
}

/** What `compare` says of a published TD with the built-in profile, by strategy. */
export async function comparePublished(
  row: MeasurementRow,
): Promise<ReadonlyMap<string, StrategyResult>> {
  const session = { step: false, seed: 1, profile: PUBLISHED_2025 };
  const { strategies } = await compareFresh(row.options, { source: "options" }, session);
  return new Map(strategies.map((entry) => [entry.strategy, entry]));
}
