import type { Leaf } from "./leaf.ts";
import { ALL_LEAVES } from "./leaves/index.ts";
import { standIns } from "./not-emulated.ts";

/** Leaves by number: what the dispatcher finds. */
type LeafTable = readonly (Leaf | undefined)[];

function byNumber(leaves: readonly Leaf[]): LeafTable {
  const table: (Leaf | undefined)[] = [];
  for (const leaf of leaves) table[leaf.number] = leaf;
  return table;
}

/** The leaves of module 1.5.01 that are emulated, and those that are not. */
export const EMULATED: readonly Leaf[] = ALL_LEAVES.filter(({ isNewer }) => isNewer !== true);
export const NOT_EMULATED: readonly Leaf[] = standIns(EMULATED);

export const LEAVES: LeafTable = byNumber([...EMULATED, ...NOT_EMULATED]);

/** Leaves that module 1.5.01 has not: stand-ins for those of a newer one. */
export const NEWER_LEAVES: LeafTable = byNumber(
  ALL_LEAVES.filter(({ isNewer }) => isNewer === true),
);
