import type { Leaf } from "../leaf.ts";
import { EXCLUSIVE } from "../locks.ts";
import { PAGE_BYTES } from "../page-types.ts";
import { OPERAND_INVALID } from "../pamt.ts";
import { pageRefusals, STATE_REFUSALS } from "../refusals.ts";
import { RCX, RDX } from "../registers.ts";
import type { SecureEpt } from "../secure-ept.ts";
import { MAPPED } from "../sept-states.ts";
import { chunkReach } from "../spans.ts";
import { Status, SUCCESS } from "../status.ts";
import { opStateSet } from "../tdcs.ts";

const OP_STATES = opStateSet("INITIALIZED");
const ENTRY_NOT_PRESENT = Status.of("TDX_EPT_ENTRY_NOT_PRESENT", "RCX");

const CHUNK_BYTES = 256;

/** ABI 7, TDH.MR.EXTEND: measures 256 bytes of a page that was added. */
export const tdhMrExtend: Leaf = {
  name: "TDH.MR.EXTEND",
  number: 16,
  maxVersion: 0,
  missing: "no measurement is computed",
  refusals: () => ({
    statuses: [
      ...pageRefusals("RDX"),
      ...STATE_REFUSALS,
      "OPERAND_INVALID|RCX",
      "EPT_ENTRY_NOT_PRESENT|RCX",
    ],
    contended: ["RDX"],
  }),

  run(m, r) {
    m.takeSeptOperands(r);
    const td = m.tdrOperand(m.inputs, RDX, EXCLUSIVE);
    if (td === null) return m.refused;
    if (!m.checkState(td, OP_STATES)) return m.refused;
    const gpa = m.inputs.low[RCX] as number;
    const isValid =
      !m.inputs.isWide(RCX) && (gpa & (CHUNK_BYTES - 1)) === 0 && m.isPrivateGpa(td, gpa);
    if (!isValid) return OPERAND_INVALID[RCX] as Status;
    // Any leaf size will do, and a failed walk is an entry not present too (ABI 11, 25).
    const sept = td.sept as SecureEpt;
    sept.walk(Math.floor(gpa / PAGE_BYTES), 0);
    if (sept.state !== MAPPED) {
      sept.showDetails(r);
      return ENTRY_NOT_PRESENT;
    }
    // MRTD is extended; no leaf shows it.
    return SUCCESS;
  },

  reach(m, r, most, span) {
    return chunkReach(m, r, most, span, OP_STATES);
  },
};
