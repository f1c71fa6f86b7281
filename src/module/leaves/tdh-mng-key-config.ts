import { everyPackage } from "../key-ownership.ts";
import type { Leaf } from "../leaf.ts";
import { EXCLUSIVE } from "../locks.ts";
import { pageRefusals } from "../refusals.ts";
import { RCX } from "../registers.ts";
import { Status, SUCCESS } from "../status.ts";
import { TD_HKID_ASSIGNED, TD_KEYS_CONFIGURED } from "../tdr.ts";

const TD_FATAL = Status.of("TDX_TD_FATAL");
const LIFECYCLE_STATE_INCORRECT = Status.of("TDX_LIFECYCLE_STATE_INCORRECT");
const KEY_CONFIGURED = Status.of("TDX_KEY_CONFIGURED");
const BUSY_KET = Status.of("TDX_OPERAND_BUSY", "KET");
const KEY_GENERATION_FAILED = Status.of("TDX_KEY_GENERATION_FAILED");

/** ABI 7, TDH.MNG.KEY.CONFIG: programs the TD's key on the package of the calling LP. */
export const tdhMngKeyConfig: Leaf = {
  name: "TDH.MNG.KEY.CONFIG",
  number: 8,
  maxVersion: 0,
  refusals: () => ({
    statuses: [
      ...pageRefusals("RCX"),
      "LIFECYCLE_STATE_INCORRECT",
      "KEY_CONFIGURED",
      "OPERAND_BUSY|KET",
      "KEY_GENERATION_FAILED",
    ],
    contended: ["KET", "RCX"],
  }),

  run(m, r) {
    const td = m.tdrOperand(r, RCX, EXCLUSIVE);
    if (td === null) return m.refused;
    if (td.isFatal) return TD_FATAL;
    if (td.lifecycle !== TD_HKID_ASSIGNED) return LIFECYCLE_STATE_INCORRECT;
    const bit = 1 << m.package;
    if ((td.pkgConfigBitmap & bit) !== 0) return KEY_CONFIGURED;
    if (m.environment.pconfig === "DEVICE_BUSY") return BUSY_KET;
    if (m.environment.pconfig === "ENTROPY_ERROR") return KEY_GENERATION_FAILED;

    td.pkgConfigBitmap |= bit;
    if (td.pkgConfigBitmap === everyPackage(m.packages)) td.lifecycle = TD_KEYS_CONFIGURED;
    return SUCCESS;
  },
};
