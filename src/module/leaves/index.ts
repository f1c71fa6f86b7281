import type { Leaf } from "../leaf.ts";
import { NOT_EMULATED } from "./not-emulated.ts";
import { tdhMemPageRemove } from "./tdh-mem-page-remove.ts";
import { tdhMemRangeBlock } from "./tdh-mem-range-block.ts";
import { tdhMemTrack } from "./tdh-mem-track.ts";
import { tdhPhymemPageReclaim } from "./tdh-phymem-page-reclaim.ts";

export const EMULATED: readonly Leaf[] = [
  tdhMemPageRemove,
  tdhMemRangeBlock,
  tdhMemTrack,
  tdhPhymemPageReclaim,
];

/** The leaf table by number: what the dispatcher finds. */
export const LEAVES: (Leaf | undefined)[] = [];
for (const leaf of [...EMULATED, ...NOT_EMULATED]) LEAVES[leaf.number] = leaf;
