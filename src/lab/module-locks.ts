/** How a leaf takes a lock: many may have it shared, one exclusively. */
type Mode = "S" | "X";

interface LeafLocks {
  readonly tdr?: Mode;
  readonly septTree?: Mode;
  readonly epoch?: Mode;
  /** PAMT entry of the page that the call is about. */
  readonly page?: Mode;
  readonly kot?: Mode;
}

/**
 * Locks of the teardown's leaves (ABI 4). The emulated module has one LP inside at a time, so these
 * never collide there; what several threads would run into is read off this table.
 */
const LOCKS: Readonly<Record<string, LeafLocks>> = {
  "TDH.MEM.RANGE.BLOCK": { tdr: "S", septTree: "X" },
  "TDH.MEM.TRACK": { tdr: "S", epoch: "X" },
  "TDH.MEM.PAGE.REMOVE": { tdr: "S", septTree: "S", page: "X" },
  "TDH.PHYMEM.PAGE.WBINVD": { page: "S" },
  "TDH.PHYMEM.PAGE.RECLAIM": { tdr: "S", page: "X" },
  "TDH.VP.FLUSH": { tdr: "S", page: "X" },
  "TDH.MNG.VPFLUSHDONE": { tdr: "X", kot: "X" },
  "TDH.MNG.KEY.FREEID": { tdr: "X", kot: "X" },
};

/** Operand that a busy status names for each lock. */
const OPERANDS = {
  tdr: "TDR",
  septTree: "SEPT_TREE",
  epoch: "TD_EPOCH",
  page: "RCX",
  kot: "KOT",
} as const;

const SAME_TD = ["tdr", "septTree", "epoch", "kot"] as const;

/**
 * The operand of TDX_OPERAND_BUSY that one of two leaves gets when both are called at once for
 * different pages of one TD; null where they run side by side.
 */
export function collision(leaf: string, other: string): string | null {
  const [a, b] = [LOCKS[leaf], LOCKS[other]];
  if (a === undefined || b === undefined) throw new Error(`no locks of ${leaf} or ${other}`);
  for (const lock of SAME_TD) {
    const [mine, theirs] = [a[lock], b[lock]];
    if (mine !== undefined && theirs !== undefined && (mine === "X" || theirs === "X")) {
      return OPERANDS[lock];
    }
  }
  return null;
}

/** What the leaf locks, in words: `TDR shared, Secure EPT tree exclusive`. */
export function locksOf(leaf: string): string {
  const names = {
    tdr: "TDR",
    septTree: "Secure EPT tree",
    epoch: "TLB epoch",
    page: "page",
    kot: "KOT",
  };
  const locks = LOCKS[leaf] ?? {};
  const words = Object.entries(names).flatMap(([lock, name]) => {
    const mode = locks[lock as keyof LeafLocks];
    return mode === undefined ? [] : [`${name} ${mode === "S" ? "shared" : "exclusive"}`];
  });
  return words.join(", ");
}
