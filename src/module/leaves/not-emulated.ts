import { Failure } from "../../units/failure.ts";
import type { Leaf } from "../leaf.ts";

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
 * The leaves that module 1.5.01 implements (ABI 2) and this emulator does not. They stand in the
 * leaf table so that the dispatcher's checks come first, as for any leaf; then the call throws.
 * Numbers in neither list, 42 among them, are unknown to the module itself.
 */
const NAMES: readonly (readonly [number, string])[] = [
  [5, "TDH.MEM.PAGE.RELOCATE"],
  [12, "TDH.MEM.RD"],
  [13, "TDH.MNG.WR"],
  [14, "TDH.MEM.WR"],
  [31, "TDH.SYS.KEY.CONFIG"],
  [32, "TDH.SYS.INFO"],
  [33, "TDH.SYS.INIT"],
  [34, "TDH.SYS.RD"],
  [35, "TDH.SYS.LP.INIT"],
  [36, "TDH.SYS.TDMR.INIT"],
  [37, "TDH.SYS.RDALL"],
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

export const NOT_EMULATED: readonly Leaf[] = NAMES.map(([number, name]) => ({
  name,
  number,
  maxVersion: 0,
  missing: "all of it",
  run() {
    throw new NotEmulated(name);
  },
}));
