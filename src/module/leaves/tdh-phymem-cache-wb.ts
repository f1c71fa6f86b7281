import { type CacheWriteBack, HKID_FLUSHED, type KotEntry } from "../key-ownership.ts";
import type { Leaf } from "../leaf.ts";
import type { TdxModule } from "../module.ts";
import { OPERAND_INVALID } from "../pamt.ts";
import { RCX } from "../registers.ts";
import { Status, SUCCESS } from "../status.ts";

const START = 0;
const RESUME = 1;
const NO_HKID_READY = Status.of("TDX_NO_HKID_READY_TO_WBCACHE");
const RESUME_ERROR = Status.of("TDX_WBCACHE_RESUME_ERROR");
const INTERRUPTED = Status.of("TDX_INTERRUPTED_RESUMABLE");

/** ABI 7, TDH.PHYMEM.CACHE.WB: writes the caches of the calling LP's package back. */
export const tdhPhymemCacheWb: Leaf = {
  name: "TDH.PHYMEM.CACHE.WB",
  number: 40,
  maxVersion: 0,
  refusals: () => ({
    statuses: [
      "OPERAND_INVALID|RCX",
      "NO_HKID_READY_TO_WBCACHE",
      "WBCACHE_RESUME_ERROR",
      "INTERRUPTED_RESUMABLE",
    ],
    contended: ["WBCACHE", "KOT"],
    // Starting a cycle clears the saved resume point even when there is nothing to write back.
    effects: {
      TDX_INTERRUPTED_RESUMABLE: ["cacheWriteBacks"],
      TDX_NO_HKID_READY_TO_WBCACHE: ["cacheWriteBacks"],
    },
  }),

  run(m, r) {
    const command = r.low[RCX] as number;
    if (r.isWide(RCX) || command > RESUME) return OPERAND_INVALID[RCX] as Status;
    const cycle = m.cacheWriteBacks[m.package] as CacheWriteBack;
    if (command === START) {
      cycle.doneBlocks = 0;
      cycle.hkids = flushedHkids(m);
      if (cycle.hkids.length === 0) return NO_HKID_READY;
    } else if (cycle.doneBlocks === 0) return RESUME_ERROR;

    const { cacheSubBlocks } = m.platform;
    cycle.doneBlocks += 1;
    while (cycle.doneBlocks < cacheSubBlocks) {
      if (m.isInterruptPending()) return INTERRUPTED;
      cycle.doneBlocks += 1;
    }
    for (const hkid of cycle.hkids) {
      const index = hkid - m.platform.hkids.first;
      const { state, wbinvdBitmap } = m.kot[index] as KotEntry;
      m.kot[index] = { state, wbinvdBitmap: wbinvdBitmap & ~(1 << m.package) };
    }
    cycle.doneBlocks = 0;
    cycle.hkids = [];
    return SUCCESS;
  },
};

/** The snapshot of a new cycle; it is not judged again on resume (ABI 11, 20). */
function flushedHkids(m: TdxModule): number[] {
  const hkids: number[] = [];
  for (let i = 0; i < m.kot.length; i++) {
    if ((m.kot[i] as KotEntry).state === HKID_FLUSHED) hkids.push(m.platform.hkids.first + i);
  }
  return hkids;
}
