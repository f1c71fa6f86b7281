import { isIn, TLB_TRACKED_STATES } from "./sept-states.ts";
import { needsTlbTracking, type Tdcs } from "./tdcs.ts";

/** REMOVE, UNBLOCK, PROMOTE, DEMOTE and SEPT.REMOVE ask for a passed epoch only where both hold. */
export function isTrackingRequired(tdcs: Tdcs, septState: number): boolean {
  return needsTlbTracking(tdcs.opState) && isIn(TLB_TRACKED_STATES, septState);
}

/** The tracked test of ABI 5: no vCPU can still hold a translation blocked in epoch `bepoch`. */
export function isTracked(tdcs: Tdcs, bepoch: number): boolean {
  if (bepoch < tdcs.tdEpoch - 1) return true;
  return bepoch === tdcs.tdEpoch - 1 && tdcs.refcount[(bepoch & 1) as 0 | 1] === 0;
}
