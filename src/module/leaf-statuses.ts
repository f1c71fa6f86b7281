import { ACCEPT_LEAF, ACCEPT_REFUSALS } from "./guest-accept.ts";
import type { Refusals } from "./leaf.ts";
import { ALL_LEAVES } from "./leaves/index.ts";
import type { StateField } from "./refusals.ts";

function refusalsOf(leaf: string): Refusals | undefined {
  if (leaf === ACCEPT_LEAF) return ACCEPT_REFUSALS;
  return ALL_LEAVES.find(({ name }) => name === leaf)?.refusals();
}

/** Every status that the leaf can answer, without levels and VMs; empty for an unknown leaf. */
export function statusesOf(leaf: string): readonly string[] {
  const refusals = refusalsOf(leaf);
  if (refusals === undefined) return [];
  // The dispatcher refuses versions and reserved bits of every SEAMCALL.
  const common = leaf.startsWith("TDH.") ? ["OPERAND_INVALID|RAX"] : [];
  return [...new Set(["SUCCESS", ...common, ...refusals.statuses])].map(
    (status) => `TDX_${status}`,
  );
}

/** Operands of the TDX_OPERAND_BUSY that the leaf may answer while other LPs are in the module. */
export function contendedOperands(leaf: string): readonly string[] {
  return refusalsOf(leaf)?.contended ?? [];
}

/** The fields that a call of `leaf` may change although it answers `status`. */
export function effectsOfFailure(leaf: string, status: string): readonly StateField[] {
  return refusalsOf(leaf)?.effects?.[status] ?? [];
}

/** A status text less the level, VM, field or number that it ends in. */
export function withoutDetails(status: string): string {
  return status.replace(/(?:\|(?:VM_\d+|LEVEL_\d+|(?:FIELD_)?0x[0-9a-f]+))+$/, "");
}
