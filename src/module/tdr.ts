import type { L2SecureEpt, SecureEpt } from "./secure-ept.ts";
import type { Tdcs } from "./tdcs.ts";

/** TDR.LIFECYCLE_STATE (ABI 1.4); it never goes back. */
export const TD_HKID_ASSIGNED = 0;
export const TD_KEYS_CONFIGURED = 1;
export const TD_BLOCKED = 2;
export const TD_TEARDOWN = 3;
export const LIFECYCLE_STATES = [
  "TD_HKID_ASSIGNED",
  "TD_KEYS_CONFIGURED",
  "TD_BLOCKED",
  "TD_TEARDOWN",
] as const;

/** The TD root page and what hangs on it. Pages are host page numbers (HPA / 4096). */
export interface Td {
  readonly page: number;
  readonly hkid: number;
  lifecycle: number;
  isFatal: boolean;
  /** TDCX pages in the order they were added; index 3 is the Secure EPT root. */
  readonly tdcxPages: number[];
  /** 4 KiB pages that belong to the TD, the TDR not counted (ABI 3.6). */
  chldcnt: number;
  /** Packages whose key is configured, one bit each. */
  pkgConfigBitmap: number;
  readonly tdcs: Tdcs;
  /** Present from MNG.INIT on. */
  sept: SecureEpt | null;
  l2Septs: L2SecureEpt[];
}
