import { Failure } from "../units/failure.ts";
import type { Leaf } from "./leaf.ts";

/** Thrown when a leaf is called that module 1.5.01 has and this emulator has not. */
export class NotEmulated extends Failure {
  /** ABI name of the leaf. */
  readonly leaf: string;

  constructor(leaf: string) {
    super("refused", `${leaf} is not emulated`, {
      hint: "tdx-sim leaves lists what is emulated, and how far",
    });
    this.leaf = leaf;
  }
}

/**
 * The host's leaves of module 1.5.01 (ABI 2). Numbers that are not here, 42 among them, are unknown
 * to the module itself.
 */
const MODULE_LEAVES: readonly (readonly [number, string])[] = [
  [0, "TDH.VP.ENTER"],
  [1, "TDH.MNG.ADDCX"],
  [2, "TDH.MEM.PAGE.ADD"],
  [3, "TDH.MEM.SEPT.ADD"],
  [4, "TDH.VP.ADDCX"],
  [5, "TDH.MEM.PAGE.RELOCATE"],
  [6, "TDH.MEM.PAGE.AUG"],
  [7, "TDH.MEM.RANGE.BLOCK"],
  [8, "TDH.MNG.KEY.CONFIG"],
  [9, "TDH.MNG.CREATE"],
  [10, "TDH.VP.CREATE"],
  [11, "TDH.MNG.RD"],
  [12, "TDH.MEM.RD"],
  [13, "TDH.MNG.WR"],
  [14, "TDH.MEM.WR"],
  [15, "TDH.MEM.PAGE.DEMOTE"],
  [16, "TDH.MR.EXTEND"],
  [17, "TDH.MR.FINALIZE"],
  [18, "TDH.VP.FLUSH"],
  [19, "TDH.MNG.VPFLUSHDONE"],
  [20, "TDH.MNG.KEY.FREEID"],
  [21, "TDH.MNG.INIT"],
  [22, "TDH.VP.INIT"],
  [23, "TDH.MEM.PAGE.PROMOTE"],
  [24, "TDH.PHYMEM.PAGE.RDMD"],
  [25, "TDH.MEM.SEPT.RD"],
  [26, "TDH.VP.RD"],
  [27, "TDH.MNG.KEY.RECLAIMID"],
  [28, "TDH.PHYMEM.PAGE.RECLAIM"],
  [29, "TDH.MEM.PAGE.REMOVE"],
  [30, "TDH.MEM.SEPT.REMOVE"],
  [31, "TDH.SYS.KEY.CONFIG"],
  [32, "TDH.SYS.INFO"],
  [33, "TDH.SYS.INIT"],
  [34, "TDH.SYS.RD"],
  [35, "TDH.SYS.LP.INIT"],
  [36, "TDH.SYS.TDMR.INIT"],
  [37, "TDH.SYS.RDALL"],
  [38, "TDH.MEM.TRACK"],
  [39, "TDH.MEM.RANGE.UNBLOCK"],
  [40, "TDH.PHYMEM.CACHE.WB"],
  [41, "TDH.PHYMEM.PAGE.WBINVD"],
  [43, "TDH.VP.WR"],
  [44, "TDH.SYS.LP.SHUTDOWN"],
  [45, "TDH.SYS.CONFIG"],
  [48, "TDH.SERVTD.BIND"],
  [49, "TDH.SERVTD.PREBIND"],
  [52, "TDH.SYS.SHUTDOWN"],
  [53, "TDH.SYS.UPDATE"],
  [64, "TDH.EXPORT.ABORT"],
  [65, "TDH.EXPORT.BLOCKW"],
  [66, "TDH.EXPORT.RESTORE"],
  [68, "TDH.EXPORT.MEM"],
  [70, "TDH.EXPORT.PAUSE"],
  [71, "TDH.EXPORT.TRACK"],
  [72, "TDH.EXPORT.STATE.IMMUTABLE"],
  [73, "TDH.EXPORT.STATE.TD"],
  [74, "TDH.EXPORT.STATE.VP"],
  [75, "TDH.EXPORT.UNBLOCKW"],
  [80, "TDH.IMPORT.ABORT"],
  [81, "TDH.IMPORT.END"],
  [82, "TDH.IMPORT.COMMIT"],
  [83, "TDH.IMPORT.MEM"],
  [84, "TDH.IMPORT.TRACK"],
  [85, "TDH.IMPORT.STATE.IMMUTABLE"],
  [86, "TDH.IMPORT.STATE.TD"],
  [87, "TDH.IMPORT.STATE.VP"],
  [96, "TDH.MIG.STREAM.CREATE"],
];

/**
 * Stand-ins for the leaves of the module that are not among `emulated`. They are in the leaf table
 * so that the dispatcher's checks come first, as for any leaf; then the call throws.
 */
export function standIns(emulated: readonly Leaf[]): Leaf[] {
  const numbers = new Set(emulated.map(({ number }) => number));
  return MODULE_LEAVES.filter(([number]) => !numbers.has(number)).map(([number, name]) => ({
    name,
    number,
    maxVersion: 0,
    missing: "all of it",
    refusals: () => ({ statuses: [] }),
    run() {
      throw new NotEmulated(name);
    },
  }));
}
