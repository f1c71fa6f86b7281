// Written by scripts/indexes.mjs from the files of this folder.
import type { Leaf } from "../leaf.ts";
import { tdhMemPageAdd } from "./tdh-mem-page-add.ts";
import { tdhMemPageAug } from "./tdh-mem-page-aug.ts";
import { tdhMemPageDemote } from "./tdh-mem-page-demote.ts";
import { tdhMemPagePromote } from "./tdh-mem-page-promote.ts";
import { tdhMemPageRemove } from "./tdh-mem-page-remove.ts";
import { tdhMemRangeBlock } from "./tdh-mem-range-block.ts";
import { tdhMemRangeUnblock } from "./tdh-mem-range-unblock.ts";
import { tdhMemSeptAdd } from "./tdh-mem-sept-add.ts";
import { tdhMemSeptRd } from "./tdh-mem-sept-rd.ts";
import { tdhMemSeptRemove } from "./tdh-mem-sept-remove.ts";
import { tdhMemTrack } from "./tdh-mem-track.ts";
import { tdhMngAddcx } from "./tdh-mng-addcx.ts";
import { tdhMngCreate } from "./tdh-mng-create.ts";
import { tdhMngInit } from "./tdh-mng-init.ts";
import { tdhMngKeyConfig } from "./tdh-mng-key-config.ts";
import { tdhMngKeyFreeid } from "./tdh-mng-key-freeid.ts";
import { tdhMngKeyReclaimid } from "./tdh-mng-key-reclaimid.ts";
import { tdhMngRd } from "./tdh-mng-rd.ts";
import { tdhMngVpflushdone } from "./tdh-mng-vpflushdone.ts";
import { tdhMrExtend } from "./tdh-mr-extend.ts";
import { tdhMrFinalize } from "./tdh-mr-finalize.ts";
import { tdhPhymemCacheWb } from "./tdh-phymem-cache-wb.ts";
import { tdhPhymemPageRdmd } from "./tdh-phymem-page-rdmd.ts";
import { tdhPhymemPageReclaim } from "./tdh-phymem-page-reclaim.ts";
import { tdhPhymemPageWbinvd } from "./tdh-phymem-page-wbinvd.ts";
import { tdhPhymemPamtAdd } from "./tdh-phymem-pamt-add.ts";
import { tdhPhymemPamtRemove } from "./tdh-phymem-pamt-remove.ts";
import { tdhVpAddcx } from "./tdh-vp-addcx.ts";
import { tdhVpCreate } from "./tdh-vp-create.ts";
import { tdhVpEnter } from "./tdh-vp-enter.ts";
import { tdhVpFlush } from "./tdh-vp-flush.ts";
import { tdhVpInit } from "./tdh-vp-init.ts";
import { tdhVpRd } from "./tdh-vp-rd.ts";
import { tdhVpWr } from "./tdh-vp-wr.ts";

/** The leaf of each file of this folder. */
export const ALL_LEAVES: readonly Leaf[] = [
  tdhMemPageAdd,
  tdhMemPageAug,
  tdhMemPageDemote,
  tdhMemPagePromote,
  tdhMemPageRemove,
  tdhMemRangeBlock,
  tdhMemRangeUnblock,
  tdhMemSeptAdd,
  tdhMemSeptRd,
  tdhMemSeptRemove,
  tdhMemTrack,
  tdhMngAddcx,
  tdhMngCreate,
  tdhMngInit,
  tdhMngKeyConfig,
  tdhMngKeyFreeid,
  tdhMngKeyReclaimid,
  tdhMngRd,
  tdhMngVpflushdone,
  tdhMrExtend,
  tdhMrFinalize,
  tdhPhymemCacheWb,
  tdhPhymemPageRdmd,
  tdhPhymemPageReclaim,
  tdhPhymemPageWbinvd,
  tdhPhymemPamtAdd,
  tdhPhymemPamtRemove,
  tdhVpAddcx,
  tdhVpCreate,
  tdhVpEnter,
  tdhVpFlush,
  tdhVpInit,
  tdhVpRd,
  tdhVpWr,
];
