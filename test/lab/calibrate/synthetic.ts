import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import {
  type MeasurementRow,
  parseMeasurementRows,
} from "../../../src/lab/calibrate/measurement-rows.ts";
import { type ObservationSet, observe } from "../../../src/lab/calibrate/observations.ts";

/** Nanoseconds of everything a teardown counts, by the name it has in a calibration. */
export type Prices = Readonly<Record<string, number>>;

/** About what the published teardowns suggest, the split of the four leaves chosen freely. */
export const PLAUSIBLE: Prices = {
  "TDH.PHYMEM.PAGE.RECLAIM of 4K": 2850,
  "TDH.PHYMEM.PAGE.RECLAIM of 2M": 60_000,
  "TDH.MEM.RANGE.BLOCK of 4K": 3100,
  "TDH.MEM.RANGE.BLOCK of 2M": 3100,
  "TDH.MEM.TRACK": 3000,
  "TDH.MEM.PAGE.REMOVE of 4K": 3600,
  "TDH.MEM.PAGE.REMOVE of 2M": 9000,
  "TDH.PHYMEM.PAGE.WBINVD": 2900,
  "page clear": 1900,
  "vCPU kick": 113,
  "fixed teardown": 300e6,
  "TDH.PHYMEM.CACHE.WB": 40e6,
  "TDH.VP.FLUSH": 3000,
  IPI: 1400,
  "TDH.MNG.VPFLUSHDONE": 10_000,
  "TDH.MNG.KEY.FREEID": 10_000,
};

/** Uniform between 0 and 1, the same for the same seed. */
export function chance(seed: number): () => number {
  const generator = xoroshiro128plus(seed);
  return () => uniformFloat64(generator);
}

/** Normally distributed with deviation 1 (Box and Muller). */
function normal(uniform: () => number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
  return radius * Math.cos(2 * Math.PI * uniform());
}

/** Rows without a time yet: `configuration` is strategy, memory, vCPUs, page size. */
export function rowsOf(
  configurations: readonly (readonly [string, string, number, string])[],
): MeasurementRow[] {
  const lines = configurations.map(([strategy, memory, vcpus, pageSize]) => {
    return `${vcpus},${memory},${pageSize},${strategy},v16,1`;
  });
  const header = "vcpus,memory,pageSize,strategy,kernel,seconds";
  return parseMeasurementRows([header, ...lines].join("\n"), "synthetic.csv");
}

export function observeRows(rows: readonly MeasurementRow[]): Promise<ObservationSet> {
  return observe(rows, { step: false });
}

/** The same observations with the times that these prices and this much noise give. */
export function timed(
  set: ObservationSet,
  prices: Prices,
  noise: number,
  uniform: () => number,
): ObservationSet {
  return {
    ...set,
    observations: set.observations.map((observation) => {
      let ns = 0;
      for (const [name, count] of observation.counts) {
        const price = prices[name];
        if (price === undefined) throw new Error(`the test has no price for ${name}`);
        ns += price * count;
      }
      const seconds = (ns / 1e9) * (1 + noise * normal(uniform));
      return { ...observation, row: { ...observation.row, seconds } };
    }),
  };
}
