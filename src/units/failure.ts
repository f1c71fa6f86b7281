/** What kind of trouble it is; the command line maps each kind to one documented exit code. */
export type FailureKind =
  | "expectation"
  | "usage"
  | "data"
  | "no-input"
  | "refused"
  | "internal"
  | "cannot-create"
  | "io"
  | "locked"
  | "config";

/** What the simulated kernel and module said when they refused an operation. */
export interface Refusal {
  /** errno as the kernel spells it, for example `EINVAL`. */
  readonly errno: string;
  /** The SEAMCALL that failed, by ABI name, when one was made. */
  readonly leaf?: string;
  /** Its status with operand, for example `TDX_OPERAND_BUSY|RCX`. */
  readonly status?: string;
}

export interface FailureOptions {
  /** What the user can do next, one line. */
  readonly hint?: string | undefined;
  readonly refusal?: Refusal | undefined;
  readonly cause?: unknown;
}

/** An error that is part of the product: a clear reason, what to do next, a documented exit code. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly kind: FailureKind;
  readonly hint: string | undefined;
  readonly refusal: Refusal | undefined;

  constructor(kind: FailureKind, message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.kind = kind;
    this.hint = options.hint;
    this.refusal = options.refusal;
  }

  /** The same failure, with what it is about before its message. */
  about(subject: string): Failure {
    const { kind, message, hint, refusal } = this;
    return new Failure(kind, `${subject}: ${message}`, { hint, refusal, cause: this });
  }
}
