import type { Leaf } from "../leaf.ts";
import { EXCLUSIVE } from "../locks.ts";
import { PAGE_BYTES, PT_NDA, PT_REG } from "../page-types.ts";
import { OPERAND_INVALID } from "../pamt.ts";
import { isSharedAddress } from "../platform.ts";
import { ENTRY_REFUSALS, pageRefusals, STATE_REFUSALS } from "../refusals.ts";
import { R8, R9, RDX } from "../registers.ts";
import { FREE, MAPPED } from "../sept-states.ts";
import { newPageReach } from "../spans.ts";
import { Status, SUCCESS } from "../status.ts";
import { opStateSet } from "../tdcs.ts";

const OP_STATES = opStateSet("INITIALIZED");
const ENTRY_STATE_INCORRECT = Status.of("TDX_EPT_ENTRY_STATE_INCORRECT", "RCX");

/** ABI 7, TDH.MEM.PAGE.ADD: copies an initial page into the TD, before MR.FINALIZE. */
export const tdhMemPageAdd: Leaf = {
  name: "TDH.MEM.PAGE.ADD",
  number: 2,
  maxVersion: 0,
  missing: "no measurement is computed; of page contents only what TDH.MNG.INIT can read is kept",
  refusals: () => ({
    statuses: [
      ...pageRefusals("RDX"),
      ...STATE_REFUSALS,
      ...ENTRY_REFUSALS,
      "OPERAND_INVALID|R9",
      ...pageRefusals("R8"),
    ],
    contended: ["RDX", "R8"],
  }),

  run(m, r, count) {
    m.takeSeptOperands(r);
    const td = m.tdrOperand(m.inputs, RDX, EXCLUSIVE);
    if (td === null) return m.refused;
    if (!m.checkState(td, OP_STATES)) return m.refused;
    const sept = m.walk(td, r, 0, 0);
    if (sept === null) return m.refused;

    if (sept.state !== FREE) {
      sept.showDetails(r);
      return ENTRY_STATE_INCORRECT;
    }
    const source = r.low[R9] as number;
    if (!isSharedAddress(m.platform, source, r.high(R9), PAGE_BYTES)) {
      return OPERAND_INVALID[R9] as Status;
    }
    if (!m.checkPage(r, R8, EXCLUSIVE, PT_NDA)) return m.refused;

    // MRTD is extended too; no leaf shows it.
    const page = (r.low[R8] as number) / PAGE_BYTES;
    m.hostMemory.copy((source % m.pamt.hkidLimit) / PAGE_BYTES, page, count);
    sept.set(MAPPED, page, count);
    m.pamt.take(page, count, PT_REG, td.page, 0);
    td.chldcnt += count;
    return SUCCESS;
  },

  reach(m, r, most, span) {
    return newPageReach(m, r, most, span, OP_STATES, 0);
  },
};
