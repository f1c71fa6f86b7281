import type { CallEnvironment } from "../../module/module.ts";
import type { Platform } from "../../module/platform.ts";

/** A 64-bit register value as {@link Registers} keeps it: bits 51:0 and bits 63:52. */
export interface RegisterValue {
  /** Number of the register, its operand id (ABI 1.2). */
  readonly register: number;
  readonly low: number;
  readonly high: number;
}

/** A SEAMCALL and what was recorded of its answer; a register absent from `out` was not. */
export interface CallStep {
  readonly op: "seamcall" | "vp-enter";
  readonly lp: number;
  /** ABI name of leaf `number`, `LEAF_n` where the module has none. */
  readonly leaf: string;
  readonly in: readonly RegisterValue[];
  readonly out: readonly RegisterValue[];
  /** Status name with operand, `ENTERED_GUEST` of a successful VP.ENTER; null: not recorded. */
  readonly status: string | null;
  readonly environment: CallEnvironment;
}

/** The vCPU on `lp` leaves the guest by an external interrupt. */
export interface ExitStep {
  readonly op: "vp-exit";
  readonly lp: number;
  readonly out: readonly RegisterValue[];
}

/** The vCPU on `lp` executes TDG.MEM.PAGE.ACCEPT. */
export interface AcceptStep {
  readonly op: "td-accept";
  readonly lp: number;
  readonly in: readonly RegisterValue[];
  readonly out: readonly RegisterValue[];
  readonly status: string | null;
  /** What VP.ENTER returned if the vCPU has left the guest; null: it has not. */
  readonly exit: readonly RegisterValue[] | null;
}

/** The host writes a TD_PARAMS structure (ABI 10.2) to address `pa`, HKID bits taken off. */
export interface WriteStep {
  readonly op: "host-write-td-params";
  readonly pa: number;
  readonly bytes: Uint8Array;
}

export type Step = CallStep | ExitStep | AcceptStep | WriteStep;

/** A PAMT entry in use, as `final.pages` lists it. */
export interface FinalPage {
  readonly pa: number;
  readonly pt: number;
  readonly owner: number;
  readonly size: number;
}

export interface FinalHkid {
  readonly hkid: number;
  readonly state: string;
  readonly wbinvdBitmap: number;
}

/** The recorded end state; null: not recorded. */
export interface FinalState {
  readonly pamtNotFree: number | null;
  readonly pages: readonly FinalPage[] | null;
  readonly hkids: readonly FinalHkid[];
}

/** One independent run on a platform that starts ready and empty. */
export interface Sequence {
  readonly id: string;
  readonly platform: Platform;
  readonly steps: readonly Step[];
  readonly final: FinalState | null;
}

/** Name of the leaf whose return a `vp-exit` step shows. */
export const ENTER_LEAF = "TDH.VP.ENTER";
/** Stands for the status of a VP.ENTER that succeeded. */
export const ENTERED_GUEST = "ENTERED_GUEST";
/** Stands for the status of an ACCEPT that ended in a TD exit. */
export const TD_EXIT = "TD_EXIT";
