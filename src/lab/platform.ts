import type { Platform } from "../module/platform.ts";
import type { TdOptions } from "./td-options.ts";

const GIB = 2 ** 30;
/** Fewest LPs of a host that is made for a TD. */
const LPS_MIN = 16;
/** Private KeyIDs [64, 128): the first is the module's own, as Linux uses them. */
const HKIDS = { first: 64, count: 64, global: 64 } as const;
/** 128 KeyIDs take 7 of the 52 address bits. */
const HKID_SHIFT = 45;
/** One TDMR from 4 GiB almost up to the HKID bits: runs of free pages cost nothing. */
const TDMR = { base: 4 * GIB, size: 2 ** HKID_SHIFT - 8 * GIB } as const;
const SUB_BLOCKS = 1;

/** LPs of the host for these options: as asked for, else as many as the vCPUs need. */
export function lpsFor(options: TdOptions): number {
  return options.lps ?? Math.max(LPS_MIN, options.vcpus);
}

/** A host as large as the TD needs, its LPs dealt out to the packages in turn. */
export function platformFor(options: TdOptions): Platform {
  return platformOf(lpsFor(options), options.packages);
}

/** The default host with this many LPs and packages. */
export function platformOf(lps: number, packages: number): Platform {
  return {
    lpToPackage: Array.from({ length: lps }, (_, lp) => lp % packages),
    hkids: HKIDS,
    hkidShift: HKID_SHIFT,
    maxPa: 52,
    cacheSubBlocks: SUB_BLOCKS,
    tdmrs: [TDMR],
  };
}
