import type { Leaf } from "../leaf.ts";
import { SHARED } from "../locks.ts";
import { OPERAND_INVALID } from "../pamt.ts";
import { STATE_REFUSALS, sharedPageRefusals, WALK_REFUSALS } from "../refusals.ts";
import { R8, RDX } from "../registers.ts";
import { type Status, SUCCESS } from "../status.ts";
import { ATTRIBUTE_DEBUG } from "../td-params.ts";
import { opStateSet } from "../tdcs.ts";

const OP_STATES = opStateSet(
  "INITIALIZED",
  "RUNNABLE",
  "LIVE_EXPORT",
  "PAUSED_EXPORT",
  "POST_EXPORT",
  "MEMORY_IMPORT",
  "STATE_IMPORT",
  "POST_IMPORT",
  "LIVE_IMPORT",
  "FAILED_IMPORT",
);

/** ABI 7, TDH.MEM.SEPT.RD: shows an entry in whatever state it is. */
export const tdhMemSeptRd: Leaf = {
  name: "TDH.MEM.SEPT.RD",
  number: 25,
  maxVersion: 0,
  missing: "L2 attributes, which only the guest sets, always read 0",
  refusals: () => ({
    statuses: [...sharedPageRefusals("RDX"), ...STATE_REFUSALS, ...WALK_REFUSALS],
    contended: ["SEPT_TREE", "RDX", "RCX"],
  }),

  run(m, r) {
    m.takeSeptOperands(r);
    const readsL2Attributes = m.takeRdxFlag();
    const td = m.tdrOperand(m.inputs, RDX, SHARED);
    if (td === null) return m.refused;
    if (!m.checkState(td, OP_STATES)) return m.refused;
    if (readsL2Attributes && (td.tdcs.attributes & ATTRIBUTE_DEBUG) === 0n) {
      return OPERAND_INVALID[RDX] as Status;
    }
    const sept = m.walk(td, r, 0, 4);
    if (sept === null) return m.refused;

    sept.showDetails(r);
    // Only the guest gives a page L2 attributes, by a call that is not emulated: they are none.
    if (readsL2Attributes) r.setNumber(R8, 0);
    return SUCCESS;
  },
};
