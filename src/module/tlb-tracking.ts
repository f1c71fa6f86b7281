import type { TdxModule } from "./module.ts";
import type { Registers } from "./registers.ts";
import type { SecureEpt } from "./secure-ept.ts";
import { blockEpoch } from "./sept-effects.ts";
import { BLOCKED_STATES, isIn, TLB_TRACKED_STATES } from "./sept-states.ts";
import { Status, SUCCESS } from "./status.ts";
import { needsTlbTracking, type Tdcs } from "./tdcs.ts";
import type { Td } from "./tdr.ts";

const ENTRY_STATE_INCORRECT = Status.of("TDX_EPT_ENTRY_STATE_INCORRECT", "RCX");
const NOT_BLOCKED = Status.of("TDX_GPA_RANGE_NOT_BLOCKED", "RCX");
const TRACKING_NOT_DONE = Status.of("TDX_TLB_TRACKING_NOT_DONE", "RCX");

/** REMOVE, UNBLOCK, PROMOTE, DEMOTE and SEPT.REMOVE ask for a passed epoch only where both hold. */
export function isTrackingRequired(tdcs: Tdcs, septState: number): boolean {
  return needsTlbTracking(tdcs.opState) && isIn(TLB_TRACKED_STATES, septState);
}

/** The tracked test of ABI 5: no vCPU can still hold a translation blocked in epoch `bepoch`. */
export function isTracked(tdcs: Tdcs, bepoch: number): boolean {
  if (bepoch < tdcs.tdEpoch - 1) return true;
  return bepoch === tdcs.tdEpoch - 1 && tdcs.refcount[(bepoch & 1) as 0 | 1] === 0;
}

/**
 * What PAGE.REMOVE, PROMOTE, DEMOTE and SEPT.REMOVE ask of the entry that was walked to (ABI 7): it
 * is in one of `states`, and no TLB can hold it any more.
 */
export function checkUntranslated(
  m: TdxModule,
  td: Td,
  sept: SecureEpt,
  r: Registers,
  states: number,
): Status {
  const { tdcs } = td;
  if (!isIn(states, sept.state)) {
    sept.showDetails(r);
    return ENTRY_STATE_INCORRECT;
  }
  if (!isTrackingRequired(tdcs, sept.state)) return SUCCESS;
  if (!isIn(BLOCKED_STATES, sept.state)) {
    sept.showDetails(r);
    return NOT_BLOCKED;
  }
  return isTracked(tdcs, blockEpoch(m, sept)) ? SUCCESS : TRACKING_NOT_DONE;
}
