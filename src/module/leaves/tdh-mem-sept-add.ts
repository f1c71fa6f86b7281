import type { Leaf } from "../leaf.ts";
import { EXCLUSIVE, SHARED } from "../locks.ts";
import type { TdxModule } from "../module.ts";
import { PAGE_BYTES, PT_EPT, PT_NDA } from "../page-types.ts";
import { OPERAND_INVALID } from "../pamt.ts";
import { NEW_TABLE_REFUSALS, PAGE_CONTENTS, SEPT_REFUSALS } from "../refusals.ts";
import { R8, R11, RAX, RDX, type Registers } from "../registers.ts";
import type { L2SecureEpt, SecureEpt } from "../secure-ept.ts";
import { addL2Table } from "../sept-effects.ts";
import { FREE, L2_FREE, NL_MAPPED } from "../sept-states.ts";
import { newPageReach } from "../spans.ts";
import { Status, SUCCESS } from "../status.ts";
import { opStateSet } from "../tdcs.ts";
import type { Td } from "../tdr.ts";

const OP_STATES = opStateSet(
  "INITIALIZED",
  "RUNNABLE",
  "LIVE_EXPORT",
  "MEMORY_IMPORT",
  "STATE_IMPORT",
  "POST_IMPORT",
  "LIVE_IMPORT",
);
const VERSION_INVALID = Status.of("TDX_OPERAND_INVALID", "RAX");
const ENTRY_STATE_INCORRECT = Status.of("TDX_EPT_ENTRY_STATE_INCORRECT", "RCX");
const INTERRUPTED = Status.of("TDX_INTERRUPTED_RESUMABLE");

const BIT_63 = 0x800;

/** ABI 7, TDH.MEM.SEPT.ADD: a table for an entry; version 1 also the tables of the L2 VMs. */
export const tdhMemSeptAdd: Leaf = {
  name: "TDH.MEM.SEPT.ADD",
  number: 3,
  maxVersion: 1,
  refusals: () => ({
    statuses: [
      ...SEPT_REFUSALS,
      ...NEW_TABLE_REFUSALS,
      "L2_SEPT_WALK_FAILED",
      "L2_SEPT_ENTRY_NOT_FREE",
      "INTERRUPTED_RESUMABLE",
    ],
    contended: ["SEPT_TREE", "RDX", "RCX", "R8"],
    // Pages of the list that were added before the interrupt stay.
    effects: {
      TDX_INTERRUPTED_RESUMABLE: ["sept", "l2Septs", "pamt", "chldcnt", ...PAGE_CONTENTS],
    },
  }),

  run(m, r, count) {
    m.takeSeptOperands(r);
    const version = m.version(r);
    if (version > 1) return VERSION_INVALID;
    if (version === 1) ignoreBit63(r);
    const isExistingAllowed = m.takeRdxFlag();
    const td = m.tdrOperand(m.inputs, RDX, SHARED);
    if (td === null) return m.refused;
    if (!m.checkState(td, OP_STATES)) return m.refused;
    const sept = m.walk(td, r, 1, 4);
    if (sept === null) return m.refused;

    if (sept.state !== FREE && sept.state !== NL_MAPPED) return entryStateIncorrect(sept, r);
    if (r.isAllOnes(R8)) {
      if (version === 0) return OPERAND_INVALID[R8] as Status;
      if (sept.state !== NL_MAPPED) return entryStateIncorrect(sept, r);
    } else if (sept.state === FREE) {
      if (!checkNewPage(m, r, R8)) return m.refused;
    } else if (isExistingAllowed) {
      if (version === 1) setUnused(r, R8);
    } else return entryStateIncorrect(sept, r);

    if (version === 0) {
      if (sept.state === FREE) addTables(m, td, sept, (r.low[R8] as number) / PAGE_BYTES, count);
      return SUCCESS;
    }
    const l2Septs = l2TablesToAdd(m, td, sept, r, isExistingAllowed);
    return l2Septs === null ? m.refused : addListedTables(m, td, sept, r, l2Septs);
  },

  reach(m, r, most, span) {
    // Version 1 has a page list to advance, and KVM does not use it.
    return (r.low[RAX] as number) >> 16 === 0 ? newPageReach(m, r, most, span, OP_STATES, 0) : 1;
  },
};

function entryStateIncorrect(sept: SecureEpt, r: Registers): Status {
  sept.showDetails(r);
  return ENTRY_STATE_INCORRECT;
}

/** The outputs R8..R11 start from the inputs without bit 63, whatever the outcome (ABI 11, 33). */
function ignoreBit63(r: Registers): void {
  for (let register = R8; register <= R11; register++) {
    if (!r.isAllOnes(register)) r.setHigh(register, r.high(register) & ~BIT_63);
  }
}

/** A page of the list that was not needed comes back with bit 63 set. */
function setUnused(r: Registers, register: number): void {
  r.setHigh(register, r.high(register) | BIT_63);
}

/** P-PAGE of a page to add; version 0 ignores bit 63 too. */
function checkNewPage(m: TdxModule, r: Registers, register: number): boolean {
  m.inputs.low[register] = r.low[register] as number;
  m.inputs.setHigh(register, r.high(register) & ~BIT_63);
  return m.checkPage(m.inputs, register, EXCLUSIVE, PT_NDA);
}

/** Rows 14 to 17b: the L2 trees, each standing on its free entry, that get a table; null is refused. */
function l2TablesToAdd(
  m: TdxModule,
  td: Td,
  sept: SecureEpt,
  r: Registers,
  isExistingAllowed: boolean,
): L2SecureEpt[] | null {
  const toAdd: L2SecureEpt[] = [];
  for (let vm = 1; vm <= 3; vm++) {
    const register = R8 + vm;
    if (r.isAllOnes(register)) continue;
    const l2 = td.l2Septs[vm - 1];
    if (l2 === undefined) {
      m.refuse(OPERAND_INVALID[register] as Status);
      return null;
    }
    if (!l2.walk(sept.gpaPage, sept.level)) {
      l2.showDetails(r);
      m.refuse(Status.atL2Entry("TDX_L2_SEPT_WALK_FAILED", vm, l2.level));
      return null;
    }
    if (l2.state === L2_FREE) {
      if (!checkNewPage(m, r, register)) return null;
      toAdd.push(l2);
    } else if (isExistingAllowed) setUnused(r, register);
    else {
      l2.showDetails(r);
      m.refuse(Status.atL2Entry("TDX_L2_SEPT_ENTRY_NOT_FREE", vm, l2.level));
      return null;
    }
  }
  return toAdd;
}

/** Adds `count` empty tables at consecutive host pages below consecutive entries. */
function addTables(m: TdxModule, td: Td, sept: SecureEpt, page: number, count: number): void {
  m.hostMemory.overwrite(page, count);
  sept.set(NL_MAPPED, page, count);
  m.pamt.take(page, count, PT_EPT, td.page, 0);
  td.chldcnt += count;
}

/** Version 1: adds R8, R9, R10, R11 in this order; an interrupt leaves the rest in the list. */
function addListedTables(
  m: TdxModule,
  td: Td,
  sept: SecureEpt,
  r: Registers,
  l2Septs: readonly L2SecureEpt[],
): Status {
  let isAnyAdded = false;
  let { page } = sept;
  let { aliases } = sept;
  if (sept.state === FREE) {
    page = (r.low[R8] as number) / PAGE_BYTES;
    addTables(m, td, sept, page, 1);
    r.setAllOnes(R8);
    isAnyAdded = true;
  }
  for (const l2 of l2Septs) {
    if (isAnyAdded && m.isInterruptPending()) {
      m.restoreSeptOperands(r);
      return INTERRUPTED;
    }
    const register = R8 + l2.vm;
    addL2Table(m, td, l2, (r.low[register] as number) / PAGE_BYTES, 0);
    aliases |= 1 << (l2.vm - 1);
    sept.set(NL_MAPPED, page, 1, aliases);
    r.setAllOnes(register);
    isAnyAdded = true;
  }
  return SUCCESS;
}
