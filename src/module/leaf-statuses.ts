import type { StatusName } from "./status-codes.ts";

/** A status without its `TDX_`, with the operand that goes with it. */
type Short<Name> = Name extends `TDX_${infer Rest}` ? Rest | `${Rest}|${string}` : never;
type ShortStatus = Short<StatusName>;

/** P-PAGE (ABI 6) where nothing can hold a lock against it: shared, and the first of the call. */
const sharedPage = (register: string): ShortStatus[] => [
  `OPERAND_INVALID|${register}`,
  `OPERAND_ADDR_RANGE_ERROR|${register}`,
  `PAGE_METADATA_INCORRECT|${register}`,
];
/** P-PAGE of a page that a running vCPU or the call itself may hold. */
const page = (register: string): ShortStatus[] => [
  ...sharedPage(register),
  `OPERAND_BUSY|${register}`,
];
/** P-STATE (ABI 6). */
const STATE: readonly ShortStatus[] = [
  "TD_KEYS_NOT_CONFIGURED",
  "TDCS_NOT_ALLOCATED",
  "OP_STATE_INCORRECT",
];
/** P-STATE of a TD that has vCPUs, so its TDCS is complete. */
const VCPU_STATE: readonly ShortStatus[] = ["TD_KEYS_NOT_CONFIGURED", "OP_STATE_INCORRECT"];
/** P-WALK (ABI 6), and the test of the entry's state that follows it. */
const WALK: readonly ShortStatus[] = ["OPERAND_INVALID|RCX", "EPT_WALK_FAILED|RCX"];
const ENTRY: readonly ShortStatus[] = [...WALK, "EPT_ENTRY_STATE_INCORRECT|RCX"];
const SEPT: readonly ShortStatus[] = [...sharedPage("RDX"), ...STATE, ...ENTRY];
const TRACKED: readonly ShortStatus[] = ["GPA_RANGE_NOT_BLOCKED|RCX", "TLB_TRACKING_NOT_DONE|RCX"];
const NEW_TABLES: readonly ShortStatus[] = ["R8", "R9", "R10", "R11"].flatMap(page);
const FIELD_READ: readonly ShortStatus[] = [
  "METADATA_FIRST_FIELD_ID_IN_CONTEXT",
  "METADATA_FIELD_ID_INCORRECT",
  "METADATA_FIELD_NOT_READABLE",
];
const TD_PARAMS: readonly ShortStatus[] = [
  "OPERAND_INVALID|RDX",
  "OPERAND_INVALID|ATTRIBUTES",
  "OPERAND_INVALID|XFAM",
  "OPERAND_INVALID|MAX_VCPUS",
  "OPERAND_INVALID|NUM_L2_VMS",
  "OPERAND_INVALID|EXEC_CONTROLS",
  "OPERAND_INVALID|EPTP_CONTROLS",
  "OPERAND_INVALID|TSC_FREQUENCY",
  "OPERAND_INVALID|CPUID_CONFIG",
  "OPERAND_INVALID|IA32_ARCH_CAPABILITIES_CONFIG",
];
const VCPU_FIELD: readonly ShortStatus[] = [
  ...sharedPage("RCX"),
  ...VCPU_STATE,
  "TDCX_NUM_INCORRECT",
  "VCPU_STATE_INCORRECT",
  "VCPU_ASSOCIATED",
];

/**
 * What each leaf can answer besides success (ABI 7), with one LP inside the module at a time: rows
 * that only a second one, a fatal TD or the platform's MSRs could make fail are left out. Levels
 * and VMs in a status are left out too. Invariant I-10 holds the emulator to it.
 */
const REFUSALS: Readonly<Record<string, readonly ShortStatus[]>> = {
  "TDH.VP.ENTER": [
    ...sharedPage("RCX"),
    ...VCPU_STATE,
    "TDCX_NUM_INCORRECT",
    "VCPU_STATE_INCORRECT",
    "VCPU_ASSOCIATED",
  ],
  "TDH.MNG.ADDCX": [
    ...page("RDX"),
    ...page("RCX"),
    ...VCPU_STATE,
    "TDCX_NUM_INCORRECT",
    "RND_NO_ENTROPY",
  ],
  "TDH.MEM.PAGE.ADD": [...page("RDX"), ...STATE, ...ENTRY, "OPERAND_INVALID|R9", ...page("R8")],
  "TDH.MEM.SEPT.ADD": [
    ...SEPT,
    ...NEW_TABLES,
    "L2_SEPT_WALK_FAILED",
    "L2_SEPT_ENTRY_NOT_FREE",
    "INTERRUPTED_RESUMABLE",
  ],
  "TDH.VP.ADDCX": [
    ...page("RDX"),
    ...VCPU_STATE,
    "VCPU_STATE_INCORRECT",
    "TDCX_NUM_INCORRECT",
    ...page("RCX"),
  ],
  "TDH.MEM.PAGE.AUG": [...SEPT, ...page("R8")],
  "TDH.MEM.RANGE.BLOCK": [...SEPT, "GPA_RANGE_ALREADY_BLOCKED|RCX"],
  "TDH.MNG.KEY.CONFIG": [
    ...page("RCX"),
    "LIFECYCLE_STATE_INCORRECT",
    "KEY_CONFIGURED",
    "OPERAND_BUSY|KET",
    "KEY_GENERATION_FAILED",
  ],
  "TDH.MNG.CREATE": ["OPERAND_INVALID|RDX", ...page("RCX"), "HKID_NOT_FREE", "RND_NO_ENTROPY"],
  "TDH.VP.CREATE": [...sharedPage("RDX"), ...STATE, ...page("RCX")],
  "TDH.MNG.RD": [...sharedPage("RCX"), ...STATE, ...FIELD_READ],
  "TDH.MEM.PAGE.DEMOTE": [
    ...SEPT,
    ...TRACKED,
    ...NEW_TABLES,
    "L2_SEPT_WALK_FAILED",
    "INTERRUPTED_RESTARTABLE",
  ],
  "TDH.MR.EXTEND": [...page("RDX"), ...STATE, "OPERAND_INVALID|RCX", "EPT_ENTRY_NOT_PRESENT|RCX"],
  "TDH.MR.FINALIZE": [...page("RCX"), ...STATE, "NO_VCPUS"],
  "TDH.VP.FLUSH": [
    ...page("RCX"),
    "TD_KEYS_NOT_CONFIGURED",
    "TDCX_NUM_INCORRECT",
    "VCPU_NOT_ASSOCIATED",
  ],
  "TDH.MNG.VPFLUSHDONE": [...page("RCX"), "LIFECYCLE_STATE_INCORRECT", "FLUSHVP_NOT_DONE"],
  "TDH.MNG.KEY.FREEID": [...page("RCX"), "LIFECYCLE_STATE_INCORRECT", "WBCACHE_NOT_COMPLETE"],
  "TDH.MNG.INIT": [...page("RCX"), ...STATE, ...TD_PARAMS],
  "TDH.VP.INIT": [
    ...page("RCX"),
    ...VCPU_STATE,
    "TDCX_NUM_INCORRECT",
    "VCPU_STATE_INCORRECT",
    "MAX_VCPUS_EXCEEDED",
  ],
  "TDH.MEM.PAGE.PROMOTE": [
    ...SEPT,
    ...TRACKED,
    "EPT_INVALID_PROMOTE_CONDITIONS|RCX",
    "INTERRUPTED_RESTARTABLE",
  ],
  "TDH.PHYMEM.PAGE.RDMD": ["OPERAND_INVALID|RCX", "OPERAND_ADDR_RANGE_ERROR|RCX"],
  "TDH.MEM.SEPT.RD": [...sharedPage("RDX"), ...STATE, ...WALK],
  "TDH.VP.RD": [...VCPU_FIELD, ...FIELD_READ],
  "TDH.MNG.KEY.RECLAIMID": [],
  "TDH.PHYMEM.PAGE.RECLAIM": [
    ...page("RCX"),
    "LIFECYCLE_STATE_INCORRECT",
    "TD_ASSOCIATED_PAGES_EXIST",
  ],
  "TDH.MEM.PAGE.REMOVE": [...SEPT, ...TRACKED],
  "TDH.MEM.SEPT.REMOVE": [...SEPT, ...TRACKED, "EPT_PAGE_NOT_FREE|RCX"],
  "TDH.MEM.TRACK": [...sharedPage("RCX"), ...STATE, "PREVIOUS_TLB_EPOCH_BUSY"],
  "TDH.MEM.RANGE.UNBLOCK": [...SEPT, "TLB_TRACKING_NOT_DONE|SEPT_TREE"],
  "TDH.PHYMEM.CACHE.WB": [
    "OPERAND_INVALID|RCX",
    "NO_HKID_READY_TO_WBCACHE",
    "WBCACHE_RESUME_ERROR",
    "INTERRUPTED_RESUMABLE",
  ],
  "TDH.PHYMEM.PAGE.WBINVD": sharedPage("RCX"),
  "TDH.VP.WR": [
    ...VCPU_FIELD,
    "METADATA_FIELD_ID_INCORRECT",
    "METADATA_FIELD_NOT_WRITABLE",
    "METADATA_FIELD_VALUE_NOT_VALID",
    "TD_VMCS_FIELD_NOT_INITIALIZED",
  ],
  "TDH.PHYMEM.PAMT.ADD": sharedPage("RCX").concat("OPERAND_INVALID|R8"),
  "TDH.PHYMEM.PAMT.REMOVE": sharedPage("RCX"),
  "TDG.MEM.PAGE.ACCEPT": ["OPERAND_INVALID|RCX", "PAGE_ALREADY_ACCEPTED", "PAGE_SIZE_MISMATCH"],
};

/** Every status that the leaf can answer, without levels and VMs; empty for an unknown leaf. */
export function statusesOf(leaf: string): readonly string[] {
  const refusals = REFUSALS[leaf];
  if (refusals === undefined) return [];
  // The dispatcher refuses versions and reserved bits of every SEAMCALL.
  const common = leaf.startsWith("TDH.") ? ["OPERAND_INVALID|RAX"] : [];
  return [...new Set(["SUCCESS", ...common, ...refusals])].map((status) => `TDX_${status}`);
}

/** A status text less the level, VM, field or number that it ends in. */
export function withoutDetails(status: string): string {
  return status.replace(/(?:\|(?:VM_\d+|LEVEL_\d+|(?:FIELD_)?0x[0-9a-f]+))+$/, "");
}
