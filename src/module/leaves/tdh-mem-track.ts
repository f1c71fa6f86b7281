import type { Leaf } from "../leaf.ts";
import { SHARED } from "../locks.ts";
import { PAGE_BYTES } from "../page-types.ts";
import { STATE_REFUSALS, sharedPageRefusals } from "../refusals.ts";
import { RCX } from "../registers.ts";
import { anyReach } from "../spans.ts";
import { Status, SUCCESS } from "../status.ts";
import { opStateSet } from "../tdcs.ts";

const OP_STATES = opStateSet(
  "INITIALIZED",
  "RUNNABLE",
  "LIVE_EXPORT",
  "PAUSED_EXPORT",
  "POST_EXPORT",
  "MEMORY_IMPORT",
  "STATE_IMPORT",
  "POST_IMPORT",
  "LIVE_IMPORT",
);
const PREVIOUS_TLB_EPOCH_BUSY = Status.of("TDX_PREVIOUS_TLB_EPOCH_BUSY");

/** ABI 7, TDH.MEM.TRACK: a new TLB epoch begins, unless a vCPU is left from the one before. */
export const tdhMemTrack: Leaf = {
  name: "TDH.MEM.TRACK",
  number: 38,
  maxVersion: 0,
  refusals: () => ({
    statuses: [...sharedPageRefusals("RCX"), ...STATE_REFUSALS, "PREVIOUS_TLB_EPOCH_BUSY"],
    contended: ["TD_EPOCH", "RCX"],
  }),

  run(m, r, count) {
    const td = m.tdrOperand(r, RCX, SHARED);
    if (td === null) return m.refused;
    if (!m.checkState(td, OP_STATES)) return m.refused;
    const { tdcs } = td;
    if (tdcs.refcount[tdcs.tdEpoch & 1 ? 0 : 1] !== 0) return PREVIOUS_TLB_EPOCH_BUSY;

    tdcs.tdEpoch += count;
    return SUCCESS;
  },

  reach(m, r, most) {
    return anyReach(m, m.tds.get((r.low[RCX] as number) / PAGE_BYTES), most, OP_STATES);
  },
};
