import type { Leaf } from "../leaf.ts";
import { EXCLUSIVE } from "../locks.ts";
import type { TdxModule } from "../module.ts";
import { freeRowsReach, newTdvprReach, vcpuAt, vcpuBefore } from "../new-vcpus.ts";
import { fillWithOnes } from "../page-contents.ts";
import { PAGE_BYTES, PT_NDA, PT_TDCX } from "../page-types.ts";
import { pageRefusals, VCPU_STATE_REFUSALS } from "../refusals.ts";
import { RCX, RDX } from "../registers.ts";
import { Status, SUCCESS } from "../status.ts";
import { opStateSet } from "../tdcs.ts";
import { TDVPS_PAGES_MAX, VCPU_UNINITIALIZED, type Vcpu } from "../tdvps.ts";

const OP_STATES = opStateSet("INITIALIZED", "STATE_IMPORT");
const VCPU_STATE_INCORRECT = Status.of("TDX_VCPU_STATE_INCORRECT");
const TDCX_NUM_INCORRECT = Status.of("TDX_TDCX_NUM_INCORRECT");

/** MSR bitmaps of L2 VMs, counted from the TDVPR. */
const MSR_BITMAP_PAGES: readonly number[] = [7, 8, 10, 11, 13, 14];

/** ABI 7, TDH.VP.ADDCX: adds a page to a vCPU's control structure; its owner is the TDR. */
export const tdhVpAddcx: Leaf = {
  name: "TDH.VP.ADDCX",
  number: 4,
  maxVersion: 0,
  spansRows: true,
  refusals: () => ({
    statuses: [
      ...pageRefusals("RDX"),
      ...VCPU_STATE_REFUSALS,
      "VCPU_STATE_INCORRECT",
      "TDCX_NUM_INCORRECT",
      ...pageRefusals("RCX"),
    ],
    contended: ["RDX", "TDR", "RCX"],
  }),

  run(m, r, count) {
    const vcpu = m.tdvprOperand(r, RDX, EXCLUSIVE);
    if (vcpu === null) return m.refused;
    const { td } = vcpu;
    m.lockOwner(td);
    if (!m.checkState(td, OP_STATES)) return m.refused;
    if (vcpu.state !== VCPU_UNINITIALIZED) return VCPU_STATE_INCORRECT;
    if (vcpu.pages.length >= TDVPS_PAGES_MAX) return TDCX_NUM_INCORRECT;
    if (!m.checkPage(r, RCX, EXCLUSIVE, PT_NDA)) return m.refused;

    const { rowCalls = 1, rowStride = 0 } = r.span;
    const calls = count === 1 ? 1 : rowCalls;
    for (let i = 0; i * calls < count; i++) {
      const page = ((r.low[RCX] as number) + i * rowStride) / PAGE_BYTES;
      m.hostMemory.overwrite(page, calls);
      addPages(m, i === 0 ? vcpu : vcpuAt(m, r, RDX, i), page, calls);
      m.pamt.take(page, calls, PT_TDCX, td.page);
    }
    td.chldcnt += count;
    return SUCCESS;
  },

  /** The pages of each vCPU follow each other; the one before shows that none is too many. */
  reach(m, r, most, span) {
    const { rcxStride, rowCalls = 1, rowStride = 0 } = span;
    const before = vcpuBefore(m, r, RDX, span, OP_STATES);
    const rcx = r.low[RCX] as number;
    const last = (rcx - rowStride) / PAGE_BYTES + rowCalls - 1;
    const isInRow = rowCalls === 1 || rcxStride === PAGE_BYTES;
    if (before?.pages.includes(last) !== true || !isInRow || most % rowCalls !== 0) return 1;
    const vcpus = newTdvprReach(m, r, RDX, span, most / rowCalls);
    return freeRowsReach(m, rcx, rowStride, rowCalls, vcpus) * rowCalls;
  },
};

function addPages(m: TdxModule, vcpu: Vcpu, first: number, count: number): void {
  const pages = [...vcpu.pages];
  for (let page = first; page < first + count; page++) {
    if (MSR_BITMAP_PAGES.includes(pages.length)) fillWithOnes(m, page);
    pages.push(page);
  }
  vcpu.pages = pages;
}
