import { HKID_ASSIGNED, HKID_FREE, type KotEntry } from "../key-ownership.ts";
import type { Leaf } from "../leaf.ts";
import { EXCLUSIVE } from "../locks.ts";
import { PAGE_BYTES, PT_NDA, PT_TDR } from "../page-types.ts";
import { OPERAND_INVALID } from "../pamt.ts";
import { PAGE_CONTENTS, pageRefusals } from "../refusals.ts";
import { RCX, RDX } from "../registers.ts";
import { Status, SUCCESS } from "../status.ts";
import { newTdcs } from "../tdcs.ts";
import { TD_HKID_ASSIGNED } from "../tdr.ts";

const HKID_NOT_FREE = Status.of("TDX_HKID_NOT_FREE");
const NO_ENTROPY = Status.of("TDX_RND_NO_ENTROPY");

/** ABI 7, TDH.MNG.CREATE: makes a free page the root of a new TD and gives it an HKID. */
export const tdhMngCreate: Leaf = {
  name: "TDH.MNG.CREATE",
  number: 9,
  maxVersion: 0,
  refusals: () => ({
    statuses: ["OPERAND_INVALID|RDX", ...pageRefusals("RCX"), "HKID_NOT_FREE", "RND_NO_ENTROPY"],
    contended: ["KOT", "RCX"],
    effects: { TDX_RND_NO_ENTROPY: PAGE_CONTENTS },
  }),

  run(m, r) {
    const hkid = r.low[RDX] as number;
    const { first, count } = m.platform.hkids;
    const isPrivate = hkid >= first && hkid < first + count;
    if (r.isWide(RDX) || hkid > 0xffff || !isPrivate) return OPERAND_INVALID[RDX] as Status;
    if (!m.checkPage(r, RCX, EXCLUSIVE, PT_NDA)) return m.refused;
    const owner = m.kot[hkid - first] as KotEntry;
    if (owner.state !== HKID_FREE) return HKID_NOT_FREE;
    const page = (r.low[RCX] as number) / PAGE_BYTES;
    m.hostMemory.overwrite(page, 1);
    if (!m.environment.hasEntropy) return NO_ENTROPY;

    m.kot[hkid - first] = { ...owner, state: HKID_ASSIGNED };
    m.tds.set(page, {
      page,
      hkid,
      lifecycle: TD_HKID_ASSIGNED,
      isFatal: false,
      tdcxPages: [],
      chldcnt: 0,
      pkgConfigBitmap: 0,
      tdcs: newTdcs(),
      sept: null,
      l2Septs: [],
    });
    m.pamt.take(page, 1, PT_TDR, 0);
    return SUCCESS;
  },
};
