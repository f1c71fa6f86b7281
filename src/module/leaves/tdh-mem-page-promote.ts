import type { Leaf } from "../leaf.ts";
import { type PamtSize, SHARED } from "../locks.ts";
import type { TdxModule } from "../module.ts";
import { leaveContents } from "../page-contents.ts";
import { PAGE_BYTES, PT_REG } from "../page-types.ts";
import { PAGES_PER_SIZE } from "../pamt.ts";
import { SEPT_REFUSALS, TRACKING_REFUSALS } from "../refusals.ts";
import { R8, RCX, RDX, type Registers } from "../registers.ts";
import type { SecureEpt } from "../secure-ept.ts";
import { aliasedL2Septs, freeL2Table, startFreedL2List } from "../sept-effects.ts";
import { TABLE_STATES } from "../sept-states.ts";
import { Status, SUCCESS } from "../status.ts";
import { opStateSet } from "../tdcs.ts";
import type { Td } from "../tdr.ts";
import { checkUntranslated } from "../tlb-tracking.ts";

const OP_STATES = opStateSet(
  "INITIALIZED",
  "RUNNABLE",
  "LIVE_EXPORT",
  "PAUSED_EXPORT",
  "POST_EXPORT",
  "POST_IMPORT",
  "LIVE_IMPORT",
);
const VERSION_INVALID = Status.of("TDX_OPERAND_INVALID", "RAX");
const INVALID_PROMOTE_CONDITIONS = Status.of("TDX_EPT_INVALID_PROMOTE_CONDITIONS", "RCX");
const INTERRUPTED = Status.of("TDX_INTERRUPTED_RESTARTABLE");

/** ABI 7, TDH.MEM.PAGE.PROMOTE: merges the 512 pages of a table into one. */
export const tdhMemPagePromote: Leaf = {
  name: "TDH.MEM.PAGE.PROMOTE",
  number: 23,
  maxVersion: 1,
  missing: "no L2 leaf entries, which only the guest makes",
  refusals: () => ({
    statuses: [
      ...SEPT_REFUSALS,
      ...TRACKING_REFUSALS,
      "EPT_INVALID_PROMOTE_CONDITIONS|RCX",
      "INTERRUPTED_RESTARTABLE",
    ],
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
    const sept = m.walk(td, r, 1, 2);
    if (sept === null) return m.refused;

    const untranslated = checkUntranslated(m, td, sept, r, TABLE_STATES);
    if (untranslated !== SUCCESS) return untranslated;
    const leaf = sept.mergedLeaf();
    // Blocked children do not merge; only the parent is blocked.
    if (leaf === null) {
      sept.showDetails(r);
      return INVALID_PROMOTE_CONDITIONS;
    }
    const l2Septs = aliasedL2Septs(td, sept);
    // One test for each L2 table, which is empty (rows 11 to 13): no host leaf makes L2 leaf
    // entries. And one more at the end.
    for (let tested = 0; tested <= l2Septs.length; tested++) {
      if (m.isInterruptPending()) return interrupted(m, r);
    }

    r.low[RCX] = sept.page * PAGE_BYTES;
    for (const l2 of l2Septs) {
      const page = freeL2Table(m, td, l2);
      if (version === 1) r.setNumber(R8 + l2.vm, page * PAGE_BYTES);
    }
    merge(m, td, sept, leaf.state, leaf.page);
    return SUCCESS;
  },
};

function interrupted(m: TdxModule, r: Registers): Status {
  m.restoreSeptOperands(r);
  return INTERRUPTED;
}

/** The parent entry becomes the leaf, unblocked and without aliases; its table is free. */
function merge(m: TdxModule, td: Td, sept: SecureEpt, state: number, page: number): void {
  const { pamt } = m;
  const size = sept.level as PamtSize;
  const childSize = (size - 1) as PamtSize;
  const parent = page / PAGES_PER_SIZE[size];
  // BEPOCH of the merged page is not initialised: it stays what it was.
  pamt.take(parent, 1, PT_REG, td.page, undefined, size);
  for (let at = parent * 512; at < (parent + 1) * 512; ) {
    const alike = pamt.uniformLength(at, (parent + 1) * 512 - at, childSize);
    pamt.free(at, alike, childSize);
    at += alike;
  }
  leaveContents(m, sept.page);
  pamt.free(sept.page, 1);
  td.chldcnt -= 1;
  sept.clearTable();
  sept.set(state, page, 1);
}
