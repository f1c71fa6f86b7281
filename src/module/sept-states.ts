/** Secure EPT entry states by index (ABI 1.6). FREE is 0, the state of every entry never touched. */
export const SEPT_STATES = [
  "FREE",
  "REMOVED",
  "NL_MAPPED",
  "NL_BLOCKED",
  "MAPPED",
  "BLOCKED",
  "BLOCKEDW",
  "EXPORTED_BLOCKEDW",
  "EXPORTED_DIRTY",
  "EXPORTED_DIRTY_BLOCKEDW",
  "PENDING",
  "PENDING_BLOCKED",
  "PENDING_BLOCKEDW",
  "PENDING_EXPORTED_BLOCKEDW",
  "PENDING_EXPORTED_DIRTY",
  "PENDING_EXPORTED_DIRTY_BLOCKEDW",
] as const;

export type SeptStateName = (typeof SEPT_STATES)[number];

export const FREE = 0;
export const NL_MAPPED = 2;
export const NL_BLOCKED = 3;
export const MAPPED = 4;
export const PENDING = 10;

/** The tag of a run of entries: state in the low bits, alias flags above (ABI 3.7). */
export const STATE_BITS = 4;
export const STATE_MASK = 15;

/** Architectural state as SEPT details show it in RDX[15:8] (ABI 1.6). */
export const ARCH_STATE = [0, 5, 132, 129, 4, 1, 8, 9, 11, 12, 2, 3, 16, 17, 19, 20] as const;

/** A set of states as a bit mask, one bit a state index. */
export function stateSet(...names: readonly SeptStateName[]): number {
  return names.reduce((mask, name) => mask | (1 << SEPT_STATES.indexOf(name)), 0);
}

export function isIn(set: number, state: number): boolean {
  return ((set >> state) & 1) === 1;
}

/** Everything from MAPPED on maps a page; FREE, REMOVED and NL_* do not. */
export const LEAF_STATES = 0xfff0;
/** Entries that point to a Secure EPT page. */
export const TABLE_STATES = stateSet("NL_MAPPED", "NL_BLOCKED");
export const FREE_STATES = stateSet("FREE");
export const BLOCKED_STATES = stateSet("NL_BLOCKED", "BLOCKED", "PENDING_BLOCKED");
/** Leaves that the guest can reach without an EPT violation. */
export const GUEST_ACCESSIBLE_STATES = stateSet(
  "MAPPED",
  "BLOCKEDW",
  "EXPORTED_BLOCKEDW",
  "EXPORTED_DIRTY",
  "EXPORTED_DIRTY_BLOCKEDW",
);
/** States whose removal waits for TLB tracking, where the OP_STATE asks for it too. */
export const TLB_TRACKED_STATES =
  0xffff & ~stateSet("FREE", "REMOVED", "EXPORTED_BLOCKEDW", "PENDING_EXPORTED_BLOCKEDW");

/** BLOCK: state before to state after (ABI 7 TDH.MEM.RANGE.BLOCK); -1 is not allowed. */
export const AFTER_BLOCK = [-1, -1, 3, -1, 5, -1, 5, -1, -1, -1, 11, -1, 11, -1, -1, -1] as const;
/** States that BLOCK leaves a run of entries in one state from: {@link AFTER_BLOCK}. */
export const BLOCKABLE_STATES = AFTER_BLOCK.reduce<number>(
  (set, after, state) => (after < 0 ? set : set | (1 << state)),
  0,
);
/** UNBLOCK: NL_BLOCKED, BLOCKED and PENDING_BLOCKED go back; -1 is not allowed. */
export const AFTER_UNBLOCK = [
  -1, -1, -1, 2, -1, 4, -1, -1, -1, -1, -1, 10, -1, -1, -1, -1,
] as const;

/** L2 SEPT entry states that host leaves can make (ABI 3.7). */
export const L2_FREE = 0;
export const L2_NL_MAPPED = 1;
export const L2_NL_BLOCKED = 2;
