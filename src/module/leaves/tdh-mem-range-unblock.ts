import type { Leaf } from "../leaf.ts";
import { SHARED } from "../locks.ts";
import { SEPT_REFUSALS } from "../refusals.ts";
import { RDX } from "../registers.ts";
import { blockEpoch, switchL2Entries } from "../sept-effects.ts";
import { AFTER_UNBLOCK } from "../sept-states.ts";
import { Status, SUCCESS } from "../status.ts";
import { opStateSet } from "../tdcs.ts";
import { isTracked, isTrackingRequired } from "../tlb-tracking.ts";

const OP_STATES = opStateSet(
  "INITIALIZED",
  "RUNNABLE",
  "LIVE_EXPORT",
  "PAUSED_EXPORT",
  "POST_EXPORT",
  "POST_IMPORT",
  "LIVE_IMPORT",
);
const ENTRY_STATE_INCORRECT = Status.of("TDX_EPT_ENTRY_STATE_INCORRECT", "RCX");
/** The one leaf that names the tree here, not RCX (ABI 11, 3). */
const TRACKING_NOT_DONE = Status.of("TDX_TLB_TRACKING_NOT_DONE", "SEPT_TREE");

/** ABI 7, TDH.MEM.RANGE.UNBLOCK: makes a blocked entry present again. */
export const tdhMemRangeUnblock: Leaf = {
  name: "TDH.MEM.RANGE.UNBLOCK",
  number: 39,
  maxVersion: 0,
  refusals: () => ({
    statuses: [...SEPT_REFUSALS, "TLB_TRACKING_NOT_DONE|SEPT_TREE"],
    contended: ["SEPT_TREE", "RDX", "RCX"],
  }),

  run(m, r) {
    m.takeSeptOperands(r);
    const td = m.tdrOperand(m.inputs, RDX, SHARED);
    if (td === null) return m.refused;
    if (!m.checkState(td, OP_STATES)) return m.refused;
    const sept = m.walk(td, r, 0, 4);
    if (sept === null) return m.refused;

    const unblocked = AFTER_UNBLOCK[sept.state] as number;
    if (unblocked < 0) {
      sept.showDetails(r);
      return ENTRY_STATE_INCORRECT;
    }
    if (isTrackingRequired(td.tdcs, sept.state) && !isTracked(td.tdcs, blockEpoch(m, sept))) {
      return TRACKING_NOT_DONE;
    }

    sept.setState(unblocked, 1);
    switchL2Entries(td, sept, unblocked);
    return SUCCESS;
  },
};
