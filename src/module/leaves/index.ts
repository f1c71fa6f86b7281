import type { Leaf } from "../leaf.ts";
import { NOT_EMULATED } from "./not-emulated.ts";
import { tdhMemPageAdd } from "./tdh-mem-page-add.ts";
import { tdhMemPageAug } from "./tdh-mem-page-aug.ts";
import { tdhMemPageRemove } from "./tdh-mem-page-remove.ts";
import { tdhMemRangeBlock } from "./tdh-mem-range-block.ts";
import { tdhMemRangeUnblock } from "./tdh-mem-range-unblock.ts";
import { tdhMemSeptAdd } from "./tdh-mem-sept-add.ts";
import { tdhMemSeptRd } from "./tdh-mem-sept-rd.ts";
import { tdhMemTrack } from "./tdh-mem-track.ts";
import { tdhMrExtend } from "./tdh-mr-extend.ts";
import { tdhPhymemPageReclaim } from "./tdh-phymem-page-reclaim.ts";

export const EMULATED: readonly Leaf[] = [
  tdhMemPageAdd,
  tdhMemPageAug,
  tdhMemPageRemove,
  tdhMemRangeBlock,
  tdhMemRangeUnblock,
  tdhMemSeptAdd,
  tdhMemSeptRd,
  tdhMemTrack,
  tdhMrExtend,
  tdhPhymemPageReclaim,
];

/** The leaf table by number: what the dispatcher finds. */
export const LEAVES: (Leaf | undefined)[] = [];
for (const leaf of [...EMULATED, ...NOT_EMULATED]) LEAVES[leaf.number] = leaf;
