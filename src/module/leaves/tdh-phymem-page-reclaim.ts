import type { Leaf, Span } from "../leaf.ts";
import { EXCLUSIVE, indexAt, pagesOf, SIZE_4K } from "../locks.ts";
import type { TdxModule } from "../module.ts";
import { leaveContents } from "../page-contents.ts";
import {
  PAGE_BYTES,
  PT_EPT,
  PT_NDA,
  PT_REG,
  PT_RSVD,
  PT_TDCX,
  PT_TDR,
  PT_TDVPR,
  typeOf,
} from "../page-types.ts";
import {
  METADATA_INCORRECT,
  OPERAND_BUSY,
  OPERAND_INVALID,
  PAGES_PER_SIZE,
  type Pamt,
} from "../pamt.ts";
import { pageRefusals } from "../refusals.ts";
import { R8, RCX, RDX } from "../registers.ts";
import { Status, SUCCESS } from "../status.ts";
import { TD_TEARDOWN } from "../tdr.ts";

const LIFECYCLE_STATE_INCORRECT = Status.of("TDX_LIFECYCLE_STATE_INCORRECT");
const ASSOCIATED_PAGES_EXIST = Status.of("TDX_TD_ASSOCIATED_PAGES_EXIST");

/**
 * Whether calls on pages of a type are made at once. What stood in control pages may be kept, page
 * by page; of them alone a body leaves some out and takes those of the next vCPU. What is free or
 * reserved fails, and the TDR goes last.
 */
function isSpanned(m: TdxModule, type: number, isJumping: boolean): boolean {
  if (type === PT_REG || type === PT_EPT) return !isJumping;
  const isOfVcpu = type === PT_TDCX || (type === PT_TDVPR && isJumping);
  return isOfVcpu && m.platform.keepsFreedBepoch !== true;
}

/** How many of `count` calls are on pages that follow each other, before RCX makes a jump. */
function rowLength({ rowCalls = 0, rowStride = 0 }: Span, pageBytes: number, count: number) {
  return rowCalls * pageBytes === rowStride ? count : Math.min(rowCalls, count);
}

function pagesBetweenRows({ rowStride = 0 }: Span): number {
  return rowStride / PAGE_BYTES;
}

/** Of `most` calls on rows of 4 KiB pages, how many find pages in the state of the first. */
function rowsReach(pamt: Pamt, index: number, row: number, stride: number, most: number): number {
  const tag = pamt.entries(SIZE_4K).tagAt(index);
  for (let at = 0, first = index; at < most; at += row, first += stride) {
    const isAlike = pamt.entries(SIZE_4K).tagAt(first) === tag;
    if (!isAlike || pamt.uniformLength(first, row) < row) return Math.max(1, at);
  }
  return most;
}

/** ABI 7, TDH.PHYMEM.PAGE.RECLAIM: takes a page of a TD in TD_TEARDOWN back; the TDR goes last. */
export const tdhPhymemPageReclaim: Leaf = {
  name: "TDH.PHYMEM.PAGE.RECLAIM",
  number: 28,
  maxVersion: 0,
  spansRows: true,
  refusals: () => ({
    statuses: [...pageRefusals("RCX"), "LIFECYCLE_STATE_INCORRECT", "TD_ASSOCIATED_PAGES_EXIST"],
    contended: ["RCX", "TDR"],
  }),

  run(m, r, count) {
    const { pamt } = m;
    const page = (r.low[RCX] as number) / PAGE_BYTES;
    const address = pamt.checkAddress(r, RCX);
    r.clearPageOutputs();
    if (address !== SUCCESS) return address;
    const size = pamt.walkSize(page);
    if (!pamt.locks.takePath(page, size, EXCLUSIVE)) return OPERAND_BUSY[RCX] as Status;
    const index = indexAt(page, size);
    const entries = pamt.entries(size);
    const tag = entries.tagAt(index);
    const type = typeOf(tag);
    if (type === PT_NDA || type === PT_RSVD) return METADATA_INCORRECT[RCX] as Status;

    // From here on the outputs show the page, whether the call succeeds or not (ABI 11, 16).
    const tdrPage = type === PT_TDR ? page : pamt.ownerOf(tag);
    const td = m.tdOf(tdrPage);
    r.low[RCX] = type;
    r.low[RDX] = type === PT_TDR ? 0 : tdrPage * PAGE_BYTES;
    r.low[R8] = size;
    if (index * pagesOf(size) !== page) return OPERAND_INVALID[RCX] as Status;
    if (type !== PT_TDR) m.lockOwner(td);
    if (td.lifecycle !== TD_TEARDOWN) return LIFECYCLE_STATE_INCORRECT;
    if (type === PT_TDR && td.chldcnt !== 0) return ASSOCIATED_PAGES_EXIST;

    if (type !== PT_REG) leaveContents(m, page);
    if (type === PT_TDR) m.forgetTd(td);
    else td.chldcnt -= count * pagesOf(size);
    const row = rowLength(r.span, pagesOf(size) * PAGE_BYTES, count);
    const stride = pagesBetweenRows(r.span);
    for (let at = 0, first = index; at < count; at += row, first += stride) {
      if (type === PT_TDVPR) m.vcpus.delete(first);
      pamt.freeTagged(entries, first, row, tag);
    }
    return SUCCESS;
  },

  reach(m, r, most, span) {
    const page = (r.low[RCX] as number) / PAGE_BYTES;
    const { pamt } = m;
    for (const size of [2, 1, 0] as const) {
      const index = Math.floor(page / PAGES_PER_SIZE[size]);
      const type = pamt.type(index, size);
      if (size > 0 && type === PT_NDA) continue;
      const pageBytes = PAGES_PER_SIZE[size] * PAGE_BYTES;
      const row = rowLength(span, pageBytes, most);
      const isJumping = row < most;
      if (!isSpanned(m, type, isJumping) || m.runningVcpus > 0) return 1;
      const isTornDown = m.tds.get(pamt.owner(index, size))?.lifecycle === TD_TEARDOWN;
      const isWhole = index * PAGES_PER_SIZE[size] === page;
      const isRow = row === 1 || span.rcxStride === pageBytes;
      if (!isTornDown || !isWhole || !isRow) return 1;
      if (!isJumping) return pamt.uniformLength(index, most, size);
      return rowsReach(pamt, index, row, pagesBetweenRows(span), most);
    }
    return 1;
  },
};
