/** KOT entry states (ABI 1.4). */
export const HKID_FREE = 0;
export const HKID_ASSIGNED = 1;
export const HKID_FLUSHED = 2;
export const HKID_RESERVED = 3;
export const KOT_STATES = ["FREE", "ASSIGNED", "FLUSHED", "RESERVED"] as const;

/** Key ownership table entry of one private HKID; copies of a module share them. */
export interface KotEntry {
  readonly state: number;
  /** Packages whose caches still hold lines of this HKID, one bit each. */
  readonly wbinvdBitmap: number;
}

/** Where PHYMEM.CACHE.WB was interrupted on a package, and for which HKIDs it runs. */
export interface CacheWriteBack {
  /** Sub-blocks done; 0 is no saved interruption point. */
  doneBlocks: number;
  hkids: number[];
}

/** One bit for each package: what PKG_CONFIG_BITMAP and WBINVD_BITMAP are when complete. */
export function everyPackage(packages: number): number {
  return (1 << packages) - 1;
}
