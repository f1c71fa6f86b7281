/** What leaves have in common in how they say no: parts of {@link Refusals}. */
import type { ModuleSnapshot } from "./snapshot.ts";
import type { StatusName } from "./status-codes.ts";
import type { Tdcs } from "./tdcs.ts";
import type { Td } from "./tdr.ts";
import type { Vcpu } from "./tdvps.ts";

type Short<Name> = Name extends `TDX_${infer Rest}` ? Rest | `${Rest}|${string}` : never;
/** A status without its `TDX_`, with the operand that goes with it: `OPERAND_BUSY|RCX`. */
export type RefusalText = Short<StatusName>;

/** A field of the module's state, as {@link ModuleSnapshot} names it. */
export type StateField = keyof ModuleSnapshot | keyof Td | keyof Tdcs | keyof Vcpu;

/** P-PAGE (ABI 6) where nothing can hold a lock against it: shared, and the first of the call. */
export function sharedPageRefusals(register: string): RefusalText[] {
  return [
    `OPERAND_INVALID|${register}`,
    `OPERAND_ADDR_RANGE_ERROR|${register}`,
    `PAGE_METADATA_INCORRECT|${register}`,
  ];
}

/** P-PAGE of a page that a running vCPU or the call itself may hold. */
export function pageRefusals(register: string): RefusalText[] {
  return [...sharedPageRefusals(register), `OPERAND_BUSY|${register}`];
}

/** P-STATE (ABI 6). */
export const STATE_REFUSALS: readonly RefusalText[] = [
  "TD_KEYS_NOT_CONFIGURED",
  "TDCS_NOT_ALLOCATED",
  "OP_STATE_INCORRECT",
];

/** P-STATE of a TD that has vCPUs, so its TDCS is complete. */
export const VCPU_STATE_REFUSALS: readonly RefusalText[] = [
  "TD_KEYS_NOT_CONFIGURED",
  "OP_STATE_INCORRECT",
];

/** P-WALK (ABI 6). */
export const WALK_REFUSALS: readonly RefusalText[] = ["OPERAND_INVALID|RCX", "EPT_WALK_FAILED|RCX"];

/** P-WALK, and the test of the entry's state that follows it. */
export const ENTRY_REFUSALS: readonly RefusalText[] = [
  ...WALK_REFUSALS,
  "EPT_ENTRY_STATE_INCORRECT|RCX",
];

/** What every leaf tests that works on an entry: TD in RDX, its state, page-info in RCX. */
export const SEPT_REFUSALS: readonly RefusalText[] = [
  ...sharedPageRefusals("RDX"),
  ...STATE_REFUSALS,
  ...ENTRY_REFUSALS,
];

/** The test of leaves that take a mapping away. */
export const TRACKING_REFUSALS: readonly RefusalText[] = [
  "GPA_RANGE_NOT_BLOCKED|RCX",
  "TLB_TRACKING_NOT_DONE|RCX",
];

/** P-PAGE of the pages that new tables are made of, of the TD and of its L2 VMs. */
export const NEW_TABLE_REFUSALS: readonly RefusalText[] = ["R8", "R9", "R10", "R11"].flatMap(
  pageRefusals,
);

export const FIELD_READ_REFUSALS: readonly RefusalText[] = [
  "METADATA_FIRST_FIELD_ID_IN_CONTEXT",
  "METADATA_FIELD_ID_INCORRECT",
  "METADATA_FIELD_NOT_READABLE",
];

/** What comes before the field of a vCPU, which is then associated with the LP. */
export const VCPU_FIELD_REFUSALS: readonly RefusalText[] = [
  ...sharedPageRefusals("RCX"),
  ...VCPU_STATE_REFUSALS,
  "TDCX_NUM_INCORRECT",
  "VCPU_STATE_INCORRECT",
  "VCPU_ASSOCIATED",
];

/** Failed after the vCPU was associated with the LP. */
export const ASSOCIATION: readonly StateField[] = ["assocLp", "numAssocVcpus"];
/** Failed after the page operand's contents were overwritten. */
export const PAGE_CONTENTS: readonly StateField[] = ["hostMemory"];
