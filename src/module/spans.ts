import type { Span } from "./leaf.ts";
import type { PamtSize } from "./locks.ts";
import type { TdxModule } from "./module.ts";
import { PAGE_BYTES, PAGES_PER_SIZE } from "./pamt.ts";
import { R8, RCX, RDX, type Registers } from "./registers.ts";
import { PAGES_PER_ENTRY, type SecureEpt } from "./secure-ept.ts";
import { LEAF_STATES } from "./sept-states.ts";

/** Leaves that touch no page: any number of calls end alike while no vCPU is in the guest. */
export function anyReach(m: TdxModule, _r: Registers, most: number): number {
  return m.runningVcpus === 0 ? most : 1;
}

/** Uniform Secure EPT entries from the one in RCX on, with the PAMT entries of what they map. */
export function entryReach(m: TdxModule, r: Registers, most: number, span: Span): number {
  const level = (r.low[RCX] as number) & 7;
  const entryPages = PAGES_PER_ENTRY[level] ?? 0;
  const sept = septOperand(m, r);
  if (sept === null || span.rcxStride !== entryPages * PAGE_BYTES) return 1;
  const gpaPage = ((r.low[RCX] as number) - level) / PAGE_BYTES;
  const reach = sept.uniformLength(gpaPage, level, most, span.addedLevels);
  const runs = sept.levels[level];
  if (runs === undefined || reach === 1) return 1;
  const index = Math.floor(gpaPage / entryPages);
  if (((LEAF_STATES >> (runs.seek(index) & 15)) & 1) === 0) return reach;
  return m.pamt.uniformLength(runs.baseAt(index) / entryPages, reach, level as PamtSize);
}

/** As `entryReach`, for leaves that also take a free page of `size` in R8. */
export function newPageReach(
  m: TdxModule,
  r: Registers,
  most: number,
  span: Span,
  size: PamtSize,
): number {
  const pages = PAGES_PER_SIZE[size];
  if (span.r8Stride !== pages * PAGE_BYTES) return 1;
  const reach = entryReach(m, r, most, span);
  return freePagesReach(m, (r.low[R8] as number) / PAGE_BYTES, reach, size);
}

/** Free pages of `size` from host page `page` on, inside one TDMR. */
export function freePagesReach(m: TdxModule, page: number, most: number, size: PamtSize): number {
  const pages = PAGES_PER_SIZE[size];
  const inTdmr = Math.floor((m.pamt.tdmrEnd(page) - page) / pages);
  let reach = Math.min(most, inTdmr, Math.floor(m.pamt.freeLength(page, most * pages) / pages));
  if (size > 0) reach = m.pamt.freeLength(Math.floor(page / pages), reach, size);
  return Math.max(1, reach);
}

function septOperand(m: TdxModule, r: Registers): SecureEpt | null {
  if (m.runningVcpus > 0) return null;
  const tdrAddress = (r.low[RDX] as number) - ((r.low[RDX] as number) & 0xfff);
  return m.tds.get(tdrAddress / PAGE_BYTES)?.sept ?? null;
}
