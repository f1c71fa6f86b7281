import type { Errno, KvmError } from "../kvm/kvm-error.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { LedgerTotals, PhaseCounts } from "../ledger/phase-counts.ts";

/** What an ioctl made the kernel do, whether it succeeded or not. */
export interface IoctlWork extends LedgerTotals {
  /** As the kernel names it; `close` is the one of the last file descriptor. */
  readonly ioctl: string;
  /** The same counts by phase: a teardown has several. */
  readonly phases: readonly PhaseCounts[];
}

/** The ioctl returned 0, or the number in `answer`; for KVM_RUN `answer` is how it came back. */
export interface IoctlDone<T = undefined> extends IoctlWork {
  readonly ok: true;
  readonly answer: T;
}

/** The ioctl returned -`errno`; `leaf` and `status` name the SEAMCALL that failed, if one did. */
export interface IoctlFailed extends IoctlWork {
  readonly ok: false;
  readonly errno: Errno;
  readonly reason: string;
  readonly leaf?: string;
  readonly status?: string;
}

/** What came of an ioctl: a refusal is an answer, not an exception. */
export type IoctlAnswer<T = undefined> = IoctlDone<T> | IoctlFailed;

/**
 * How KVM_RUN came back. An entry that the module refuses is told to user space as an internal
 * error with the status in data[0] (kvm-teardown C.4, INFERRED).
 */
export type VcpuExit =
  /** It did not: the vCPU is in the guest, until it is interrupted or kicked out. */
  | { readonly reason: "in-guest" }
  /** The guest touched its pages, then a signal came. */
  | { readonly reason: "KVM_EXIT_INTR" }
  | {
      readonly reason: "KVM_EXIT_INTERNAL_ERROR";
      readonly suberror: "KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON";
      /** The 64-bit status of TDH.VP.ENTER, in hexadecimal and by name. */
      readonly data0: string;
      readonly status: string;
    };

/** What an ioctl gave back before its work is counted. */
export type Outcome<T> = KvmError | { readonly answer: T };

/** The answer of an ioctl whose work is all in `ledger`. */
export function answerOf<T>(ioctl: string, outcome: Outcome<T>, ledger: Ledger): IoctlAnswer<T> {
  const work = { ioctl, ...ledger.totals(), phases: ledger.phases() };
  if ("answer" in outcome) return { ok: true, answer: outcome.answer, ...work };
  const { errno, reason, leaf, status } = outcome;
  return {
    ok: false,
    errno,
    reason,
    ...(leaf === undefined ? {} : { leaf }),
    ...(status === undefined ? {} : { status }),
    ...work,
  };
}
