import type { ModuleSnapshot } from "./snapshot.ts";
import type { Tdcs } from "./tdcs.ts";
import type { Td } from "./tdr.ts";
import type { Vcpu } from "./tdvps.ts";

/** A field of the module's state, as {@link ModuleSnapshot} names it. */
export type StateField = keyof ModuleSnapshot | keyof Td | keyof Tdcs | keyof Vcpu;

const ASSOCIATION: readonly StateField[] = ["assocLp", "numAssocVcpus"];
/** The page operand's contents were overwritten before the call failed. */
const PAGE_CONTENTS: readonly StateField[] = ["hostMemory"];

/**
 * Invariant I-9: a call that does not succeed leaves the module as it was. These are all the
 * exceptions, which ABI 7 declares: leaf, status without details, fields that may change.
 */
const EFFECTS: Readonly<Record<string, Readonly<Record<string, readonly StateField[]>>>> = {
  "TDH.MNG.CREATE": { TDX_RND_NO_ENTROPY: PAGE_CONTENTS },
  "TDH.MNG.ADDCX": { TDX_RND_NO_ENTROPY: PAGE_CONTENTS, TDX_OP_STATE_INCORRECT: PAGE_CONTENTS },
  // The association is made before the flags in RCX and the field id are judged.
  "TDH.VP.ENTER": { "TDX_OPERAND_INVALID|RCX": ASSOCIATION },
  "TDH.VP.RD": {
    TDX_METADATA_FIRST_FIELD_ID_IN_CONTEXT: ASSOCIATION,
    TDX_METADATA_FIELD_ID_INCORRECT: ASSOCIATION,
    TDX_METADATA_FIELD_NOT_READABLE: ASSOCIATION,
  },
  "TDH.VP.WR": {
    TDX_METADATA_FIELD_ID_INCORRECT: ASSOCIATION,
    TDX_METADATA_FIELD_NOT_WRITABLE: ASSOCIATION,
    TDX_METADATA_FIELD_VALUE_NOT_VALID: ASSOCIATION,
    TDX_TD_VMCS_FIELD_NOT_INITIALIZED: ASSOCIATION,
  },
  // Pages of the list that were added before the interrupt stay.
  "TDH.MEM.SEPT.ADD": {
    TDX_INTERRUPTED_RESUMABLE: ["sept", "l2Septs", "pamt", "chldcnt", ...PAGE_CONTENTS],
  },
  "TDH.MEM.PAGE.DEMOTE": { TDX_INTERRUPTED_RESTARTABLE: PAGE_CONTENTS },
  // Starting a cycle clears the saved resume point even when there is nothing to write back.
  "TDH.PHYMEM.CACHE.WB": {
    TDX_INTERRUPTED_RESUMABLE: ["cacheWriteBacks"],
    TDX_NO_HKID_READY_TO_WBCACHE: ["cacheWriteBacks"],
  },
};

/** The fields that a call of `leaf` may change although it answers `status`. */
export function effectsOfFailure(leaf: string, status: string): readonly StateField[] {
  return EFFECTS[leaf]?.[status] ?? [];
}
