import { contendedOperands, statusesOf } from "../../module/leaf-statuses.ts";

/** What only a call of version 1 or a TD with L2 VMs can be answered; KVM makes none of them. */
const NEVER_FOR_KVM: Readonly<Record<string, RegExp>> = {
  "TDH.MEM.SEPT.ADD": /\|(?:R9|R10|R11)$|^TDX_L2_|^TDX_INTERRUPTED/,
  "TDH.MEM.PAGE.DEMOTE": /\|(?:R9|R10|R11)$|^TDX_L2_/,
};

/**
 * Statuses other than success that a leaf may answer KVM: what the emulated module can find wrong
 * (ABI 7), and the locks that other LPs may hold meanwhile. Empty for a leaf that there is none of.
 */
export function legalFaults(leaf: string): readonly string[] {
  const refusals = statusesOf(leaf).filter((status) => status !== "TDX_SUCCESS");
  if (refusals.length === 0) return [];
  const busy = contendedOperands(leaf).map((operand) => `TDX_OPERAND_BUSY|${operand}`);
  const never = NEVER_FOR_KVM[leaf];
  return [...new Set([...busy, ...refusals])].filter((status) => never?.test(status) !== true);
}
