import type { TdSize } from "../../cost/measured-range.ts";
import type { Cover } from "../../cost/profile.ts";
import type { PageSizeName, PhaseCounts } from "../../ledger/phase-counts.ts";
import { Failure } from "../../units/failure.ts";
import type { RunControl } from "../drive.ts";
import { countLife } from "../teardown-counts.ts";
import { type Driver, driverCounts, FIXED, leafDriver } from "./drivers.ts";
import type { MeasurementRow } from "./measurement-rows.ts";

/** How private pages leave: one by one while the HKID is assigned, or after its release. */
export type Kind = "runtime removal" | "reclaim after the HKID is released";

/** A measurement with what the emulator counted for that very configuration. */
export interface Observation {
  readonly row: MeasurementRow;
  readonly td: TdSize;
  readonly phases: readonly PhaseCounts[];
  /** What the measured time is the price of, by driver name. */
  readonly counts: ReadonlyMap<string, number>;
  readonly kind: Kind;
  readonly pageSize: PageSizeName;
  /** Rows of one family scatter alike: the same kind and page size, or the same leaf. */
  readonly family: string;
  /** Name of the driver that most of the time goes with. */
  readonly main: string;
}

/** Observations with every driver that any of them counted, in order of rank. */
export interface ObservationSet {
  readonly observations: readonly Observation[];
  readonly drivers: readonly Driver[];
}

const REMOVE = "TDH.MEM.PAGE.REMOVE";
const RECLAIM = "TDH.PHYMEM.PAGE.RECLAIM";

/** Runs the emulator on each row's configuration, the same one once. */
export async function observe(
  rows: readonly MeasurementRow[],
  control: RunControl,
): Promise<ObservationSet> {
  const ran = new Map<string, readonly PhaseCounts[]>();
  const observations: Observation[] = [];
  for (const [index, row] of rows.entries()) {
    const key = JSON.stringify([row.options, row.strategy]);
    const phases = ran.get(key) ?? (await countLife(row.options, row.strategy, control)).teardown;
    ran.set(key, phases);
    observations.push(observationOf(row, phases));
    control.onProgress?.(index + 1, rows.length, "rows");
  }
  return { observations, drivers: driversOf([...ran.values()].flat()) };
}

function observationOf(row: MeasurementRow, phases: readonly PhaseCounts[]): Observation {
  const { memoryBytes, populatedBytes, vcpus, pageSize } = row.options;
  const counts = new Map<string, number>();
  const add = (driver: Driver, count: number): void => {
    counts.set(driver.name, (counts.get(driver.name) ?? 0) + count);
  };
  for (const phase of phases) {
    for (const { driver, count } of driverCounts(phase)) {
      const meant = driver.per.kind === "leaf" && driver.per.leaf === row.leaf;
      if (row.leaf === null || meant) add(driver, count);
    }
  }
  if (row.leaf === null && hasFixed(phases)) add(FIXED, 1);
  if (counts.size === 0) {
    throw new Failure("data", `${row.place}: ${row.strategy} makes no call of ${row.leaf}`);
  }
  const removed = phases.some(({ phase }) => phase === "remove-private");
  const kind: Kind = removed ? "runtime removal" : "reclaim after the HKID is released";
  return {
    row,
    td: { memoryBytes, populatedBytes, vcpus },
    phases,
    counts,
    kind,
    pageSize,
    family: `${row.leaf ?? kind}, pages of ${pageSize}`,
    main: leafDriver(row.leaf ?? (removed ? REMOVE : RECLAIM), pageSize).name,
  };
}

function hasFixed(phases: readonly PhaseCounts[]): boolean {
  return phases.some(({ phase, seamcalls }) => phase === "release-hkid" && seamcalls.total > 0);
}

function driversOf(phases: readonly PhaseCounts[]): Driver[] {
  const drivers = new Map<string, Driver>();
  if (hasFixed(phases)) drivers.set(FIXED.name, FIXED);
  for (const { driver } of phases.flatMap(driverCounts)) drivers.set(driver.name, driver);
  return [...drivers.values()].sort((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : 1));
}

/** Where a driver was counted: the ledger entries that a price it is part of takes up. */
export function coversOf(name: string, observations: readonly Observation[]): Cover[] {
  const covers = new Map<string, Cover>();
  for (const { driver, cover } of observations.flatMap(({ phases }) =>
    phases.flatMap(driverCounts),
  )) {
    if (driver.name === name) covers.set(JSON.stringify(cover), cover);
  }
  return [...covers.values()];
}
