import type { Leaf } from "../leaf.ts";
import { SHARED } from "../locks.ts";
import { leaveContents } from "../page-contents.ts";
import { PAGE_BYTES } from "../page-types.ts";
import { SEPT_REFUSALS, TRACKING_REFUSALS } from "../refusals.ts";
import { R8, RCX, RDX } from "../registers.ts";
import { aliasedL2Septs, freeL2Table, startFreedL2List } from "../sept-effects.ts";
import { FREE, TABLE_STATES } from "../sept-states.ts";
import { Status, SUCCESS } from "../status.ts";
import { opStateSet } from "../tdcs.ts";
import { checkUntranslated } from "../tlb-tracking.ts";

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
  "FAILED_IMPORT",
);
const VERSION_INVALID = Status.of("TDX_OPERAND_INVALID", "RAX");
const PAGE_NOT_FREE = Status.of("TDX_EPT_PAGE_NOT_FREE", "RCX");

/** ABI 7, TDH.MEM.SEPT.REMOVE: takes an empty table out of the tree; version 1 names L2 ones. */
export const tdhMemSeptRemove: Leaf = {
  name: "TDH.MEM.SEPT.REMOVE",
  number: 30,
  maxVersion: 1,
  refusals: () => ({
    statuses: [...SEPT_REFUSALS, ...TRACKING_REFUSALS, "EPT_PAGE_NOT_FREE|RCX"],
    contended: ["SEPT_TREE", "RDX", "RCX"],
  }),

  run(m, r) {
    m.takeSeptOperands(r);
    const version = m.version(r);
    if (version > 0) startFreedL2List(r);
    if (version > 1) return VERSION_INVALID;
    const td = m.tdrOperand(m.inputs, RDX, SHARED);
    if (td === null) return m.refused;
    if (!m.checkState(td, OP_STATES)) return m.refused;
    const sept = m.walk(td, r, 1, 4);
    if (sept === null) return m.refused;

    const untranslated = checkUntranslated(m, td, sept, r, TABLE_STATES);
    if (untranslated !== SUCCESS) return untranslated;
    if (!sept.isTableEmpty()) {
      sept.showDetails(r);
      return PAGE_NOT_FREE;
    }

    r.low[RCX] = sept.page * PAGE_BYTES;
    for (const l2 of aliasedL2Septs(td, sept)) {
      const page = freeL2Table(m, td, l2);
      if (version === 1) r.setNumber(R8 + l2.vm, page * PAGE_BYTES);
    }
    leaveContents(m, sept.page);
    sept.set(FREE, 0, 1);
    m.pamt.free(sept.page, 1);
    td.chldcnt -= 1;
    return SUCCESS;
  },
};
