import { statusesOf } from "../../module/leaf-statuses.ts";

/**
 * Locks that another LP may hold when the leaf wants them (ABI 4 and the "Locks" row of each leaf):
 * the operand of OPERAND_BUSY. The first is the one that KVM expects, and the default of a fault.
 * OP_STATE is left out: only migration takes it exclusively.
 */
const CONTENDED: Readonly<Record<string, readonly string[]>> = {
  "TDH.VP.ENTER": ["SEPT_TREE", "TD_EPOCH", "RCX", "TDR"],
  "TDH.MNG.ADDCX": ["RDX", "RCX"],
  "TDH.MEM.PAGE.ADD": ["RDX", "R8"],
  "TDH.MEM.SEPT.ADD": ["SEPT_TREE", "RDX", "RCX", "R8"],
  "TDH.VP.ADDCX": ["RDX", "TDR", "RCX"],
  "TDH.MEM.PAGE.AUG": ["SEPT_TREE", "RDX", "RCX", "R8"],
  "TDH.MEM.RANGE.BLOCK": ["SEPT_TREE", "RDX", "RCX"],
  "TDH.MNG.KEY.CONFIG": ["KET", "RCX"],
  "TDH.MNG.CREATE": ["KOT", "RCX"],
  "TDH.VP.CREATE": ["RCX", "RDX"],
  "TDH.MNG.RD": ["RCX"],
  "TDH.MEM.PAGE.DEMOTE": ["SEPT_TREE", "RDX", "RCX", "R8"],
  "TDH.MR.EXTEND": ["RDX"],
  "TDH.MR.FINALIZE": ["RCX"],
  "TDH.VP.FLUSH": ["RCX", "TDR"],
  "TDH.MNG.VPFLUSHDONE": ["RCX", "KOT"],
  "TDH.MNG.KEY.FREEID": ["RCX", "KOT"],
  "TDH.MNG.INIT": ["RCX"],
  "TDH.VP.INIT": ["RCX", "TDR"],
  "TDH.MEM.PAGE.PROMOTE": ["SEPT_TREE", "RDX", "RCX"],
  "TDH.PHYMEM.PAGE.RDMD": ["RCX"],
  "TDH.MEM.SEPT.RD": ["SEPT_TREE", "RDX", "RCX"],
  "TDH.VP.RD": ["RCX", "TDR"],
  "TDH.PHYMEM.PAGE.RECLAIM": ["RCX", "TDR"],
  "TDH.MEM.PAGE.REMOVE": ["SEPT_TREE", "RDX", "RCX"],
  "TDH.MEM.SEPT.REMOVE": ["SEPT_TREE", "RDX", "RCX"],
  "TDH.MEM.TRACK": ["TD_EPOCH", "RCX"],
  "TDH.MEM.RANGE.UNBLOCK": ["SEPT_TREE", "RDX", "RCX"],
  "TDH.PHYMEM.CACHE.WB": ["WBCACHE", "KOT"],
  "TDH.PHYMEM.PAGE.WBINVD": ["RCX"],
  "TDH.VP.WR": ["RCX", "TDR"],
};

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
  const busy = (CONTENDED[leaf] ?? []).map((operand) => `TDX_OPERAND_BUSY|${operand}`);
  const never = NEVER_FOR_KVM[leaf];
  return [...new Set([...busy, ...refusals])].filter((status) => never?.test(status) !== true);
}
