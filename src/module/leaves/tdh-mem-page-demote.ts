import type { Leaf } from "../leaf.ts";
import { EXCLUSIVE, type PamtSize, SHARED } from "../locks.ts";
import type { TdxModule } from "../module.ts";
import { PAGE_BYTES, PT_EPT, PT_NDA, PT_REG } from "../page-types.ts";
import { PAGES_PER_SIZE } from "../pamt.ts";
import {
  NEW_TABLE_REFUSALS,
  PAGE_CONTENTS,
  SEPT_REFUSALS,
  TRACKING_REFUSALS,
} from "../refusals.ts";
import { R8, RDX, type Registers } from "../registers.ts";
import type { L2SecureEpt, SecureEpt } from "../secure-ept.ts";
import { addL2Table } from "../sept-effects.ts";
import { AFTER_UNBLOCK, NL_MAPPED, stateSet } from "../sept-states.ts";
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
const SEPT_STATES = stateSet("MAPPED", "BLOCKED", "PENDING", "PENDING_BLOCKED");
const INTERRUPTED = Status.of("TDX_INTERRUPTED_RESTARTABLE");

const BIT_63 = 0x800;

/** ABI 7, TDH.MEM.PAGE.DEMOTE: splits a large page into 512 of the next size. */
export const tdhMemPageDemote: Leaf = {
  name: "TDH.MEM.PAGE.DEMOTE",
  number: 15,
  maxVersion: 0,
  missing: "no L2 leaf entries, which only the guest makes",
  refusals: () => ({
    statuses: [
      ...SEPT_REFUSALS,
      ...TRACKING_REFUSALS,
      ...NEW_TABLE_REFUSALS,
      "L2_SEPT_WALK_FAILED",
      "INTERRUPTED_RESTARTABLE",
    ],
    contended: ["SEPT_TREE", "RDX", "RCX", "R8"],
    effects: { TDX_INTERRUPTED_RESTARTABLE: PAGE_CONTENTS },
  }),

  run(m, r) {
    m.takeSeptOperands(r);
    const usesAliasedOnly = m.takeRdxFlag();
    const td = m.tdrOperand(m.inputs, RDX, SHARED);
    if (td === null) return m.refused;
    if (!m.checkState(td, OP_STATES)) return m.refused;
    const sept = m.walk(td, r, 1, 2);
    if (sept === null) return m.refused;

    const untranslated = checkUntranslated(m, td, sept, r, SEPT_STATES);
    if (untranslated !== SUCCESS) return untranslated;
    if (!m.checkPage(r, R8, EXCLUSIVE, PT_NDA)) return m.refused;
    // A leaf entry has an alias only through the guest's attribute write, which is not emulated:
    // L2_SEPT_PAGE_NOT_PROVIDED (row 9) cannot occur, and mode 1 skips every L2 page.
    const l2Septs = usesAliasedOnly ? [] : l2TablesToAdd(m, td, r);
    if (l2Septs === null) return m.refused;
    if (!checkL2Walks(m, r, sept, l2Septs)) return m.refused;
    const table = (r.low[R8] as number) / PAGE_BYTES;
    // The table is written before the last test for interrupts; nothing else has changed there.
    m.hostMemory.overwrite(table, 1);
    if (m.isInterruptPending()) return interrupted(m, r);

    if (usesAliasedOnly) setSkipped(td, r);
    for (const l2 of l2Septs) {
      addL2Table(m, td, l2, (r.low[R8 + l2.vm] as number) / PAGE_BYTES);
    }
    const aliases = l2Septs.reduce((flags, l2) => flags | (1 << (l2.vm - 1)), 0);
    split(m, td, sept, table, aliases);
    return SUCCESS;
  },
};

function interrupted(m: TdxModule, r: Registers): Status {
  m.restoreSeptOperands(r);
  return INTERRUPTED;
}

/** Rows 9 and 10 in mode 0: the L2 trees of all VMs that a page is given for; null is refused. */
function l2TablesToAdd(m: TdxModule, td: Td, r: Registers): L2SecureEpt[] | null {
  const toAdd: L2SecureEpt[] = [];
  for (const l2 of td.l2Septs) {
    const register = R8 + l2.vm;
    if (r.isAllOnes(register)) continue;
    m.inputs.low[register] = r.low[register] as number;
    m.inputs.setHigh(register, r.high(register) & ~BIT_63);
    if (!m.checkPage(m.inputs, register, EXCLUSIVE, PT_NDA)) return null;
    toAdd.push(l2);
  }
  return toAdd;
}

/** Rows 11 and 12, a second pass: each L2 tree reaches down to the level of the entry. */
function checkL2Walks(
  m: TdxModule,
  r: Registers,
  sept: SecureEpt,
  l2Septs: readonly L2SecureEpt[],
): boolean {
  for (const l2 of l2Septs) {
    if (m.isInterruptPending()) {
      m.refuse(interrupted(m, r));
      return false;
    }
    if (l2.walk(sept.gpaPage, sept.level)) continue;
    l2.showDetails(r);
    m.refuse(Status.atL2Entry("TDX_L2_SEPT_WALK_FAILED", l2.vm, l2.level));
    return false;
  }
  return true;
}

/** Mode 1 gives pages that it did not need back with bit 63 set. */
function setSkipped(td: Td, r: Registers): void {
  for (const l2 of td.l2Septs) {
    const register = R8 + l2.vm;
    if (!r.isAllOnes(register)) r.setHigh(register, r.high(register) | BIT_63);
  }
}

/** The entry gets a table of 512 leaves; they and it are unblocked. */
function split(m: TdxModule, td: Td, sept: SecureEpt, table: number, aliases: number): void {
  const { pamt } = m;
  const size = sept.level as PamtSize;
  const index = sept.page / PAGES_PER_SIZE[size];
  const unblocked = AFTER_UNBLOCK[sept.state] as number;
  sept.fillTable(unblocked < 0 ? sept.state : unblocked, sept.page);
  sept.set(NL_MAPPED, table, 1, aliases);
  pamt.free(index, 1, size);
  pamt.take(index * 512, 512, PT_REG, td.page, 0, (size - 1) as PamtSize);
  // BEPOCH of the new table is not reset, unlike that of SEPT.ADD's.
  pamt.take(table, 1, PT_EPT, td.page);
  td.chldcnt += 1;
}
