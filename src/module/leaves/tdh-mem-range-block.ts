import type { Leaf } from "../leaf.ts";
import { SHARED } from "../locks.ts";
import { SEPT_REFUSALS } from "../refusals.ts";
import { RDX } from "../registers.ts";
import { setBlockEpoch, switchL2Entries } from "../sept-effects.ts";
import { AFTER_BLOCK, BLOCKABLE_STATES, BLOCKED_STATES, isIn } from "../sept-states.ts";
import { entryReach } from "../spans.ts";
import { Status, SUCCESS } from "../status.ts";
import { opStateSet } from "../tdcs.ts";

const OP_STATES = opStateSet(
  "INITIALIZED",
  "RUNNABLE",
  "LIVE_EXPORT",
  "PAUSED_EXPORT",
  "POST_EXPORT",
  "POST_IMPORT",
  "LIVE_IMPORT",
);
const ALREADY_BLOCKED = Status.of("TDX_GPA_RANGE_ALREADY_BLOCKED", "RCX");
const ENTRY_STATE_INCORRECT = Status.of("TDX_EPT_ENTRY_STATE_INCORRECT", "RCX");

/** ABI 7, TDH.MEM.RANGE.BLOCK: makes an entry non-present and notes the epoch. */
export const tdhMemRangeBlock: Leaf = {
  name: "TDH.MEM.RANGE.BLOCK",
  number: 7,
  maxVersion: 0,
  refusals: () => ({
    statuses: [...SEPT_REFUSALS, "GPA_RANGE_ALREADY_BLOCKED|RCX"],
    contended: ["SEPT_TREE", "RDX", "RCX"],
  }),

  run(m, r, count) {
    m.takeSeptOperands(r);
    const td = m.tdrOperand(m.inputs, RDX, SHARED);
    if (td === null) return m.refused;
    if (!m.checkState(td, OP_STATES)) return m.refused;
    const sept = m.walk(td, r, 0, 4);
    if (sept === null) return m.refused;

    const blocked = AFTER_BLOCK[sept.state] as number;
    if (blocked < 0) {
      sept.showDetails(r);
      return isIn(BLOCKED_STATES, sept.state) ? ALREADY_BLOCKED : ENTRY_STATE_INCORRECT;
    }

    sept.setState(blocked, count);
    setBlockEpoch(m, td, sept, count);
    switchL2Entries(td, sept, blocked);
    return SUCCESS;
  },

  reach(m, r, most, span) {
    return entryReach(m, r, most, span, OP_STATES, BLOCKABLE_STATES);
  },
};
