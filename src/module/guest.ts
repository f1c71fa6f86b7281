import type { TdxModule } from "./module.ts";
import { VCPU_ACTIVE, VCPU_READY, type Vcpu } from "./tdvps.ts";

/** What TDH.VP.ENTER leaves in RAX when an external interrupt ended it: success + exit reason 1. */
export const EXIT_EXTERNAL_INTERRUPT = 1;
/** The same for an EPT violation. */
export const EXIT_EPT_VIOLATION = 48;

/** The vCPU enters the guest on the calling LP; ABI 4 and 5 say what it holds from now on. */
export function enterGuest(m: TdxModule, vcpu: Vcpu): void {
  const { tdcs } = vcpu.td;
  const epoch = tdcs.tdEpoch;
  tdcs.refcount[(epoch & 1) as 0 | 1]++;
  vcpu.vcpuEpoch = epoch;
  vcpu.state = VCPU_ACTIVE;
  runInGuest(m, m.lp, vcpu);
}

/** `lp` runs the vCPU: until TD exit it holds the locks of ABI 4 (36 of ABI 11). */
export function runInGuest(m: TdxModule, lp: number, vcpu: Vcpu): void {
  m.pamt.locks.holdForGuest(vcpu.page, vcpu.td.page);
  m.guests[lp] = vcpu;
  m.runningVcpus++;
}

/**
 * TD exit of the vCPU that `lp` runs in the guest (ABI 5 step 2 and TDH.VP.ENTER): it is READY
 * again, its epoch counts one vCPU less and its locks are released; the association stays.
 * Returns the vCPU, or null where the LP is not in the guest. RAX of the ended TDH.VP.ENTER is the
 * caller's to say: EXIT_EXTERNAL_INTERRUPT or EXIT_EPT_VIOLATION.
 */
export function vpExit(m: TdxModule, lp: number): Vcpu | null {
  const vcpu = m.guests[lp] ?? null;
  if (vcpu === null) return null;
  vcpu.state = VCPU_READY;
  vcpu.td.tdcs.refcount[(vcpu.vcpuEpoch & 1) as 0 | 1]--;
  m.pamt.locks.releaseForGuest(vcpu.page);
  m.guests[lp] = null;
  m.runningVcpus--;
  return vcpu;
}
