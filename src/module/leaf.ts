import type { TdxModule } from "./module.ts";
import type { RefusalText, StateField } from "./refusals.ts";
import type { Registers } from "./registers.ts";
import type { Status } from "./status.ts";

/** How the operands of a call advance from one call of a body to the next, in bytes. */
export interface Span {
  readonly rcxStride: number;
  /**
   * Where RCX makes a jump after every so many calls, as many as an iteration makes: bytes from the
   * first of them to the first of the next iteration's. Only for a leaf that `spansRows`.
   */
  readonly rowCalls?: number;
  readonly rowStride?: number;
  /** RDX advances from one iteration to the next. */
  readonly rdxStride?: number;
  readonly r8Stride: number;
  /** LPs from the one that makes a call to the one that makes the next. */
  readonly lpStride?: number;
  /** Secure EPT levels (bit mask) whose missing tables the same body adds. */
  readonly addedLevels: number;
  /** The same body creates the vCPU that the call names, as it did one stride before. */
  readonly isOfNewVcpu?: boolean;
}

/** How a leaf says no (ABI 7). */
export interface Refusals {
  /**
   * What it answers besides success with one LP inside the module at a time: rows that only a second
   * one, a fatal TD or the platform's MSRs could make fail are left out, and so are levels and VMs.
   * Invariant I-10 holds the emulator to it.
   */
  readonly statuses: readonly RefusalText[];
  /**
   * Locks that another LP may hold when the leaf wants them (ABI 4 and the "Locks" row of the leaf):
   * the operand of OPERAND_BUSY. The first is the one that KVM expects, and the default of a fault.
   * OP_STATE is left out: only migration takes it exclusively.
   */
  readonly contended?: readonly string[];
  /**
   * Invariant I-9: a call that does not succeed leaves the module as it was. These are all the
   * exceptions, which ABI 7 declares: status without details, fields that may change.
   */
  readonly effects?: Readonly<Record<string, readonly StateField[]>>;
}

/** One SEAMCALL leaf, named and numbered as the ABI does. */
export interface Leaf {
  readonly name: string;
  readonly number: number;
  /** Highest version the leaf takes. */
  readonly maxVersion: 0 | 1;
  /** Takes calls at once whose RCX jumps from one iteration to the next. */
  readonly spansRows?: true;
  /** What of the real leaf is not emulated, in words; absent where the emulation is full. */
  readonly missing?: string;
  /** Module 1.5.01 has it not: a newer one's, where the platform has Dynamic PAMT. */
  readonly isNewer?: true;
  /** How it says no: asked by faults and checks, never on the way of a call. */
  refusals(): Refusals;
  /**
   * Executes the leaf `count` times. The checks are made on the operands in `r`; `count` above 1
   * says that the caller asked `reach` first, so that what holds for them holds for all. How they
   * advance, a leaf that has to know finds in `r.span`.
   */
  run(module: TdxModule, r: Registers, count: number): Status;
  /**
   * How many of `most` iterations, operands advancing as `span` says, start from the same state
   * and therefore end alike, the first of them made on `lp`. A leaf without it is always executed call by call.
   */
  reach?(module: TdxModule, r: Registers, most: number, span: Span, lp?: number): number;
}
