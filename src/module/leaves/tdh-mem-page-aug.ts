import type { Leaf } from "../leaf.ts";
import { EXCLUSIVE, type PamtSize, SHARED } from "../locks.ts";
import type { TdxModule } from "../module.ts";
import { PAGE_BYTES, PT_NDA, PT_REG } from "../page-types.ts";
import { METADATA_INCORRECT, OPERAND_BUSY, PAGES_PER_SIZE } from "../pamt.ts";
import { pageRefusals, SEPT_REFUSALS } from "../refusals.ts";
import { R8, RCX, RDX, type Registers } from "../registers.ts";
import { isIn, PENDING, stateSet } from "../sept-states.ts";
import { newPageReach } from "../spans.ts";
import { Status, SUCCESS } from "../status.ts";
import { opStateSet } from "../tdcs.ts";

const OP_STATES = opStateSet("INITIALIZED", "RUNNABLE", "LIVE_EXPORT", "LIVE_IMPORT");
const SEPT_STATES = stateSet("FREE", "REMOVED");
const ENTRY_STATE_INCORRECT = Status.of("TDX_EPT_ENTRY_STATE_INCORRECT", "RCX");

/** ABI 7, TDH.MEM.PAGE.AUG: gives the TD a page that its guest has to accept. */
export const tdhMemPageAug: Leaf = {
  name: "TDH.MEM.PAGE.AUG",
  number: 6,
  maxVersion: 0,
  refusals: () => ({
    statuses: [...SEPT_REFUSALS, ...pageRefusals("R8")],
    contended: ["SEPT_TREE", "RDX", "RCX", "R8"],
  }),

  run(m, r, count) {
    m.takeSeptOperands(r);
    const td = m.tdrOperand(m.inputs, RDX, SHARED);
    if (td === null) return m.refused;
    if (!m.checkState(td, OP_STATES)) return m.refused;
    const sept = m.walk(td, r, 0, 1);
    if (sept === null) return m.refused;

    if (!isIn(SEPT_STATES, sept.state)) {
      sept.showDetails(r);
      return ENTRY_STATE_INCORRECT;
    }
    const size = sept.level as 0 | 1;
    if (!checkFreeRange(m, r, size)) return m.refused;

    // The content is left as it is: the guest's ACCEPT zeroes it.
    const page = (r.low[R8] as number) / PAGE_BYTES;
    sept.set(PENDING, page, count);
    m.pamt.take(page / PAGES_PER_SIZE[size], count, PT_REG, td.page, 0, size);
    td.chldcnt += count * PAGES_PER_SIZE[size];
    return SUCCESS;
  },

  reach(m, r, most, span) {
    const level = (r.low[RCX] as number) & 7;
    return level <= 1 ? newPageReach(m, r, most, span, OP_STATES, level as PamtSize) : 1;
  },
};

/** P-FREE-RANGE(R8): the page of `size` is free, and so are all smaller ones in it. */
function checkFreeRange(m: TdxModule, r: Registers, size: 0 | 1): boolean {
  const { pamt } = m;
  m.refused = pamt.checkAddressOf(r, R8, size);
  if (m.refused !== SUCCESS) return false;
  const page = (r.low[R8] as number) / PAGE_BYTES;
  const walkSize = pamt.walkSizeTo(page, size);
  if (!pamt.locks.takePath(page, walkSize, EXCLUSIVE)) {
    m.refused = OPERAND_BUSY[R8] as Status;
    return false;
  }
  const isFree =
    walkSize === size &&
    pamt.type(page / PAGES_PER_SIZE[size], size) === PT_NDA &&
    (size === 0 || pamt.freeLength(page, PAGES_PER_SIZE[size]) === PAGES_PER_SIZE[size]);
  if (!isFree) m.refused = METADATA_INCORRECT[R8] as Status;
  return isFree;
}
