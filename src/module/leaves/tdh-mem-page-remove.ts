import type { Leaf } from "../leaf.ts";
import { indexAt, type PamtSize, SHARED } from "../locks.ts";
import { PAGES_PER_SIZE } from "../pamt.ts";
import { SEPT_REFUSALS, TRACKING_REFUSALS } from "../refusals.ts";
import { RCX, RDX } from "../registers.ts";
import { FREE, stateSet } from "../sept-states.ts";
import { entryReach } from "../spans.ts";
import { SUCCESS } from "../status.ts";
import { opStateSet } from "../tdcs.ts";
import { checkUntranslated } from "../tlb-tracking.ts";

const OP_STATES = opStateSet(
  "INITIALIZED",
  "RUNNABLE",
  "LIVE_EXPORT",
  "PAUSED_EXPORT",
  "POST_EXPORT",
  "POST_IMPORT",
  "LIVE_IMPORT",
  "FAILED_IMPORT",
);
const SEPT_STATES = stateSet(
  "MAPPED",
  "BLOCKED",
  "BLOCKEDW",
  "PENDING",
  "PENDING_BLOCKED",
  "PENDING_BLOCKEDW",
);

/** ABI 7, TDH.MEM.PAGE.REMOVE: takes a page out of the tree and back from the TD. */
export const tdhMemPageRemove: Leaf = {
  name: "TDH.MEM.PAGE.REMOVE",
  number: 29,
  maxVersion: 0,
  refusals: () => ({
    statuses: [...SEPT_REFUSALS, ...TRACKING_REFUSALS],
    contended: ["SEPT_TREE", "RDX", "RCX"],
  }),

  run(m, r, count) {
    m.takeSeptOperands(r);
    const td = m.tdrOperand(m.inputs, RDX, SHARED);
    if (td === null) return m.refused;
    if (!m.checkState(td, OP_STATES)) return m.refused;
    const sept = m.walk(td, r, 0, 2);
    if (sept === null) return m.refused;

    const untranslated = checkUntranslated(m, td, sept, r, SEPT_STATES);
    if (untranslated !== SUCCESS) return untranslated;
    const size = sept.level as PamtSize;
    const index = indexAt(sept.page, size);

    // Import states, in which the entry would become REMOVED, are not reachable here.
    r.low[RCX] = sept.page * 4096;
    sept.set(FREE, 0, count);
    m.pamt.free(index, count, size);
    td.chldcnt -= count * PAGES_PER_SIZE[size];
    return SUCCESS;
  },

  reach(m, r, most, span) {
    return entryReach(m, r, most, span, OP_STATES, SEPT_STATES);
  },
};
