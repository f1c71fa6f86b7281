import type { Leaf } from "../leaf.ts";
import { SHARED } from "../locks.ts";
import { isNullFieldId, readFieldId } from "../metadata-field-id.ts";
import { FIELD_READ_REFUSALS, STATE_REFUSALS, sharedPageRefusals } from "../refusals.ts";
import { R8, RCX, RDX, type Registers } from "../registers.ts";
import { Status, SUCCESS } from "../status.ts";
import { findTdElement, isDebugTd, nextReadableId } from "../td-field-reading.ts";
import { tdFieldValue } from "../td-field-values.ts";
import { isReadable } from "../td-fields.ts";
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
const VERSION_INVALID = Status.of("TDX_OPERAND_INVALID", "RAX");
const FIRST_FIELD_ID = Status.of("TDX_METADATA_FIRST_FIELD_ID_IN_CONTEXT");
const FIELD_ID_INCORRECT = Status.of("TDX_METADATA_FIELD_ID_INCORRECT");
const FIELD_NOT_READABLE = Status.of("TDX_METADATA_FIELD_NOT_READABLE");

/** ABI 7, TDH.MNG.RD: reads a field of the TD's control structures. */
export const tdhMngRd: Leaf = {
  name: "TDH.MNG.RD",
  number: 11,
  maxVersion: 1,
  missing:
    "fields of migration, service TDs, virtual MSRs, tables and measurements read 0; CPUID has the configurable leaves alone",
  refusals: () => ({
    statuses: [...sharedPageRefusals("RCX"), ...STATE_REFUSALS, ...FIELD_READ_REFUSALS],
    contended: ["RCX"],
  }),

  run(m, r) {
    const version = m.version(r);
    const isNull = version === 1 && isNullFieldId(r, RDX);
    const id = readFieldId(r, RDX);
    r.setNumber(R8, 0);
    if (version > 0) r.setAllOnes(RDX);
    if (version > 1) return VERSION_INVALID;
    const td = m.tdrOperand(r, RCX, SHARED);
    if (td === null) return m.refused;
    if (!m.checkState(td, OP_STATES)) return m.refused;
    if (isNull) {
      showNextId(r, nextReadableId(td, null));
      return FIRST_FIELD_ID;
    }
    const element = id === null ? null : findTdElement(id);
    if (element === null) return FIELD_ID_INCORRECT;
    if (!isReadable(element.field, isDebugTd(td))) return FIELD_NOT_READABLE;

    r.set(R8, tdFieldValue(m, td, element));
    if (version === 1) showNextId(r, nextReadableId(td, element));
    return SUCCESS;
  },
};

/** All ones, which RDX holds already, after the last. */
function showNextId(r: Registers, next: bigint | null): void {
  if (next !== null) r.set(RDX, next);
}
