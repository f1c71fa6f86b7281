import type { Platform } from "../module/platform.ts";
import { GIB } from "../units/page.ts";
import { generation } from "./kernels.ts";
import type { TdOptions } from "./td-options.ts";

/** Fewest LPs of a host that is made for a TD. */
const LPS_MIN = 16;
/** Private KeyIDs [64, 128): the first is the module's own, as Linux uses them. */
const KEY_IDS = { first: 64, count: 64 } as const;
const MAX_PA = 52;
/** Parts in which a package writes its caches back: assumed; with one it could not be interrupted. */
const SUB_BLOCKS = 8;
const TDMR_BASE = 4 * GIB;

/** LPs of the host for these options: as the platform has or as asked for, else as many as needed. */
function lpsFor({ platform, lps, vcpus }: TdOptions): number {
  return platform?.lps ?? lps ?? Math.max(LPS_MIN, vcpus);
}

/** First address bit of the HKID: KeyIDs take as many upper bits as the largest of them needs. */
function hkidShiftFor(keyIdsEnd: number): number {
  return MAX_PA - Math.ceil(Math.log2(keyIdsEnd));
}

/** Most bytes of TD memory on a host whose KeyIDs end before `keyIdsEnd`. */
export function memoryMax(keyIdsEnd: number): number {
  return 2 ** hkidShiftFor(keyIdsEnd) - 2 * TDMR_BASE;
}

/**
 * The host that a platform names, or one as large as the TD needs; its LPs are dealt out to the
 * packages in turn.
 */
export function platformFor(options: TdOptions): Platform {
  const { platform } = options;
  const packages = platform?.packages ?? options.packages;
  const { first, count } = platform?.privateKeyIds ?? KEY_IDS;
  // One TDMR from 4 GiB almost up to the HKID bits: runs of free pages cost nothing.
  const size = platform?.memoryBytes ?? memoryMax(first + count);
  return {
    lpToPackage: Array.from({ length: lpsFor(options) }, (_, lp) => lp % packages),
    hkids: { first, count, global: first },
    hkidShift: hkidShiftFor(first + count),
    maxPa: MAX_PA,
    cacheSubBlocks: platform?.cacheSubBlocks ?? SUB_BLOCKS,
    tdmrs: [{ base: TDMR_BASE, size }],
    ...(generation(options.kernel).hasDynamicPamt ? { hasDynamicPamt: true } : {}),
    ...(platform?.pwMce === false ? { hasPwMce: false } : {}),
  };
}
