import { indexAt, type PamtSize } from "./locks.ts";
import type { TdxModule } from "./module.ts";
import { leaveContents } from "./page-contents.ts";
import { PT_EPT } from "./page-types.ts";
import { R9, R10, R11, type Registers } from "./registers.ts";
import type { L2SecureEpt, SecureEpt } from "./secure-ept.ts";
import {
  isIn,
  L2_FREE,
  L2_NL_BLOCKED,
  L2_NL_MAPPED,
  LEAF_STATES,
  NL_BLOCKED,
} from "./sept-states.ts";
import type { Td } from "./tdr.ts";

/** BLOCK: BEPOCH of the mapped page or Secure EPT page = TD_EPOCH (ABI 5). */
export function setBlockEpoch(m: TdxModule, td: Td, sept: SecureEpt, count: number): void {
  if (!isIn(LEAF_STATES, sept.state)) {
    m.pamt.setBepoch(sept.page, count, td.tdcs.tdEpoch);
    return;
  }
  const size = sept.level as PamtSize;
  m.pamt.setBepoch(indexAt(sept.page, size), count, td.tdcs.tdEpoch, size);
}

/** BEPOCH of what the entry where the walk stopped points to. */
export function blockEpoch(m: TdxModule, sept: SecureEpt): number {
  if (!isIn(LEAF_STATES, sept.state)) return m.pamt.bepoch(sept.page);
  const size = sept.level as PamtSize;
  return m.pamt.bepoch(indexAt(sept.page, size), size);
}

/** BLOCK and UNBLOCK of an aliased non-leaf entry switch the L2 entries as well (ABI 3.7). */
export function switchL2Entries(td: Td, sept: SecureEpt, newState: number): void {
  // Every BLOCK of a page comes by.
  if (sept.aliases === 0) return;
  const state = newState === NL_BLOCKED ? L2_NL_BLOCKED : L2_NL_MAPPED;
  for (const l2 of aliasedL2Septs(td, sept)) l2.set(state, l2.page);
}

/** The L2 trees that the entry where the walk stopped is aliased in, each standing on its entry. */
export function aliasedL2Septs(td: Td, sept: SecureEpt): L2SecureEpt[] {
  if (sept.aliases === 0) return [];
  return td.l2Septs.filter((l2) => {
    if (((sept.aliases >> (l2.vm - 1)) & 1) === 0) return false;
    l2.walk(sept.gpaPage, sept.level);
    return true;
  });
}

/**
 * Makes `page` an empty table below the free entry that `l2` stands on. The caller sets the alias
 * flag in the L1 entry, which it rewrites anyway. BEPOCH stays unless it is given.
 */
export function addL2Table(
  m: TdxModule,
  td: Td,
  l2: L2SecureEpt,
  page: number,
  bepoch?: number,
): void {
  m.hostMemory.overwrite(page, 1);
  l2.set(L2_NL_MAPPED, page);
  m.pamt.take(page, 1, PT_EPT, td.page, bepoch);
  td.chldcnt += 1;
}

/** SEPT.REMOVE and PROMOTE, version 1 on: R9..R11 name no freed L2 page yet, whatever follows. */
export function startFreedL2List(r: Registers): void {
  for (const register of [R9, R10, R11]) r.setAllOnes(register);
}

/** Frees the L2 table that `l2` stands on: entry L2_FREE, page PT_NDA, one child less. */
export function freeL2Table(m: TdxModule, td: Td, l2: L2SecureEpt): number {
  const { page } = l2;
  leaveContents(m, page);
  l2.set(L2_FREE, 0);
  m.pamt.free(page, 1);
  td.chldcnt -= 1;
  return page;
}
