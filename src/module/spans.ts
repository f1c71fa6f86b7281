import type { Span } from "./leaf.ts";
import type { PamtSize } from "./locks.ts";
import type { TdxModule } from "./module.ts";
import type { PageRuns } from "./page-runs.ts";
import { PAGE_BYTES, PT_REG } from "./page-types.ts";
import { PAGES_PER_SIZE } from "./pamt.ts";
import { R8, RCX, RDX, type Registers } from "./registers.ts";
import { PAGES_PER_ENTRY } from "./secure-ept.ts";
import { FREE, FREE_STATES, isIn, LEAF_STATES, MAPPED } from "./sept-states.ts";
import type { Td } from "./tdr.ts";

/**
 * Leaves that touch no page: any number of calls end alike in a TD that the leaf finds operable
 * (`opStates`), while no vCPU is in the guest.
 */
export function anyReach(m: TdxModule, td: Td | undefined, most: number, opStates: number): number {
  return m.runningVcpus === 0 && td !== undefined && m.checkState(td, opStates) ? most : 1;
}

/**
 * Entries from the one in RCX on that are in one of `septStates` and alike, with the PAMT entries
 * of what they map, in a TD that the leaf finds operable (`opStates`).
 */
export function entryReach(
  m: TdxModule,
  r: Registers,
  most: number,
  span: Span,
  opStates: number,
  septStates: number,
): number {
  const rcx = r.low[RCX] as number;
  const level = rcx & 7;
  const entryPages = PAGES_PER_ENTRY[level];
  if (entryPages === undefined || span.rcxStride !== entryPages * PAGE_BYTES) return 1;
  const td = operableTd(m, r, opStates);
  if (td?.sept == null) return 1;
  const gpaPage = (rcx - level) / PAGE_BYTES;
  const reach = td.sept.uniformLength(gpaPage, level, most, span.addedLevels);
  const runs = td.sept.levels[level] as PageRuns;
  const index = Math.floor(gpaPage / entryPages);
  const tag = runs.seek(index);
  // Entries with aliases have tables in L2 trees, which are not looked at in runs.
  if (tag > 15 || !isIn(septStates, tag)) return 1;
  if (!isIn(LEAF_STATES, tag)) return reach;
  return m.pamt.uniformLength(runs.baseAt(index) / entryPages, reach, level as PamtSize);
}

/** Free entries from the one in RCX on, with free pages of `size` from the one in R8 on. */
export function newPageReach(
  m: TdxModule,
  r: Registers,
  most: number,
  span: Span,
  opStates: number,
  size: PamtSize,
): number {
  if (span.r8Stride !== PAGES_PER_SIZE[size] * PAGE_BYTES) return 1;
  const reach = entryReach(m, r, most, span, opStates, FREE_STATES);
  return freePagesReach(m, (r.low[R8] as number) / PAGE_BYTES, reach, size);
}

/**
 * Chunks of mapped pages from the one in RCX on; of free ones too where the same body maps them
 * first (`addedLevels` bit 0).
 */
export function chunkReach(
  m: TdxModule,
  r: Registers,
  most: number,
  span: Span,
  opStates: number,
): number {
  const { rcxStride, addedLevels } = span;
  const td = operableTd(m, r, opStates);
  if (td?.sept == null || !(rcxStride > 0)) return 1;
  const rcx = r.low[RCX] as number;
  const gpaPage = Math.floor(rcx / PAGE_BYTES);
  const offset = rcx - gpaPage * PAGE_BYTES;
  const pages = Math.floor((offset + (most - 1) * rcxStride) / PAGE_BYTES) + 1;
  const reach = td.sept.uniformLength(gpaPage, 0, pages, addedLevels);
  const state = (td.sept.levels[0] as PageRuns).seek(gpaPage);
  if (state !== MAPPED && (state !== FREE || (addedLevels & 1) === 0)) return 1;
  if (reach >= pages) return most;
  return Math.max(1, Math.ceil((reach * PAGE_BYTES - offset) / rcxStride));
}

/** Pages from host page `page` on that are free, or that the same body takes back from a TD. */
export function freedPagesReach(m: TdxModule, page: number, most: number): number {
  const { pamt } = m;
  for (const size of [2, 1, 0] as const) {
    const pages = PAGES_PER_SIZE[size];
    const index = Math.floor(page / pages);
    if (pamt.type(index, size) !== PT_REG) continue;
    const end = (index + pamt.uniformLength(index, most, size)) * pages;
    return Math.min(most, end - page);
  }
  return freePagesReach(m, page, most, 0);
}

/** Free pages of `size` from host page `page` on, inside one TDMR. */
export function freePagesReach(m: TdxModule, page: number, most: number, size: PamtSize): number {
  const { pamt } = m;
  const pages = PAGES_PER_SIZE[size];
  const inTdmr = Math.floor((pamt.tdmrEnd(page) - page) / pages);
  let reach = Math.min(most, inTdmr);
  // A page in use at a larger size leaves the entries of the smaller ones free.
  for (const at of [0, 1, 2] as const) {
    const entryPages = PAGES_PER_SIZE[at];
    const first = Math.floor(page / entryPages);
    const last = Math.floor((page + reach * pages - 1) / entryPages);
    const free = pamt.freeLength(first, last - first + 1, at);
    if (first + free <= last) reach = Math.floor(((first + free) * entryPages - page) / pages);
  }
  return Math.max(1, reach);
}

/** The TD in RDX, where a span can be looked for: calls on it go one by one while vCPUs run. */
function operableTd(m: TdxModule, r: Registers, opStates: number): Td | null {
  // A kept BEPOCH differs from page to page when the pages were removed one by one.
  if (m.runningVcpus > 0 || m.platform.keepsFreedBepoch === true) return null;
  const rdx = r.low[RDX] as number;
  const td = m.tds.get((rdx - (rdx & 0xfff)) / PAGE_BYTES);
  return td !== undefined && m.checkState(td, opStates) ? td : null;
}
