import type { Leaf } from "../leaf.ts";
import { EXCLUSIVE, indexAt, pagesOf } from "../locks.ts";
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
import { METADATA_INCORRECT, OPERAND_BUSY, OPERAND_INVALID, PAGES_PER_SIZE } from "../pamt.ts";
import { pageRefusals } from "../refusals.ts";
import { R8, RCX, RDX } from "../registers.ts";
import { Status, SUCCESS } from "../status.ts";
import { TD_TEARDOWN } from "../tdr.ts";

const LIFECYCLE_STATE_INCORRECT = Status.of("TDX_LIFECYCLE_STATE_INCORRECT");
const ASSOCIATED_PAGES_EXIST = Status.of("TDX_TD_ASSOCIATED_PAGES_EXIST");

/**
 * Roots of control structures go one by one, as do control pages where what stood in them is kept;
 * what is free or reserved fails.
 */
function isSpanned(m: TdxModule, type: number): boolean {
  if (type === PT_REG || type === PT_EPT) return true;
  return type === PT_TDCX && m.platform.keepsFreedBepoch !== true;
}

/** ABI 7, TDH.PHYMEM.PAGE.RECLAIM: takes a page of a TD in TD_TEARDOWN back; the TDR goes last. */
export const tdhPhymemPageReclaim: Leaf = {
  name: "TDH.PHYMEM.PAGE.RECLAIM",
  number: 28,
  maxVersion: 0,
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
    if (type === PT_TDVPR) m.vcpus.delete(page);
    pamt.freeTagged(entries, index, count, tag);
    return SUCCESS;
  },

  reach(m, r, most, span) {
    const page = (r.low[RCX] as number) / PAGE_BYTES;
    const { pamt } = m;
    for (const size of [2, 1, 0] as const) {
      const index = Math.floor(page / PAGES_PER_SIZE[size]);
      const type = pamt.type(index, size);
      if (size > 0 && type === PT_NDA) continue;
      if (!isSpanned(m, type) || m.runningVcpus > 0) return 1;
      const isTornDown = m.tds.get(pamt.owner(index, size))?.lifecycle === TD_TEARDOWN;
      const isWhole = index * PAGES_PER_SIZE[size] === page;
      if (!isTornDown || !isWhole || span.rcxStride !== PAGES_PER_SIZE[size] * PAGE_BYTES) return 1;
      return pamt.uniformLength(index, most, size);
    }
    return 1;
  },
};
