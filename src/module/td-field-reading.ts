import { CPUID_ENTRIES } from "./cpuid-configuration.ts";
import type { FieldId } from "./metadata-field-id.ts";
import { isReadable, TD_FIELDS, type TdField } from "./td-fields.ts";
import { ATTRIBUTE_DEBUG } from "./td-params.ts";
import type { Td } from "./tdr.ts";

/** An element of the TD context: `index` counts from the first of its field. */
export interface TdElement {
  readonly field: TdField;
  readonly index: number;
}

const CPUID_CLASS = 0x14;
const CPUID_VALUES = "CPUID_VALUES";
const CODES_OF_CPUID_ENTRY = CPUID_ENTRIES.flatMap(({ leaf, subLeaf }) => {
  const first = cpuidFieldCode(leaf, subLeaf);
  return [first, first + 1];
});

/**
 * Field code of a CPUID leaf's first half: bit 0 is EAX and EBX or ECX and EDX, 7:1 the sub-leaf,
 * 8 set where there is none, 15:9 the leaf and 16 its bit 31. KVM builds the same for
 * KVM_TDX_GET_CPUID.
 */
function cpuidFieldCode(leaf: number, subLeaf: number): number {
  const hasSubLeaf = subLeaf !== 0xffffffff;
  const subLeafBits = hasSubLeaf ? (subLeaf & 0x7f) << 1 : 0x1fe;
  return ((leaf >>> 31) << 16) | ((leaf & 0x7f) << 9) | subLeafBits;
}

/** The element that class and field code name; null where there is none. */
export function findTdElement(id: FieldId): TdElement | null {
  for (const field of TD_FIELDS) {
    if (field.fieldClass !== id.fieldClass) continue;
    const index =
      id.fieldClass === CPUID_CLASS ? CODES_OF_CPUID_ENTRY.indexOf(id.code) : id.code - field.code;
    if (index >= 0 && index < elementsOf(field)) return { field, index };
  }
  return null;
}

export function isDebugTd(td: Td): boolean {
  return (td.tdcs.attributes & ATTRIBUTE_DEBUG) !== 0n;
}

/** Full id of the next element that the host may read, in table order; null after the last. */
export function nextReadableId(td: Td, element: TdElement | null): bigint | null {
  if (element !== null && element.index + 1 < elementsOf(element.field)) {
    return idOf(element.field, element.index + 1);
  }
  const from = element === null ? 0 : TD_FIELDS.indexOf(element.field) + 1;
  const next = TD_FIELDS.slice(from).find((field) => isReadable(field, isDebugTd(td)));
  return next === undefined ? null : idOf(next, 0);
}

function elementsOf(field: TdField): number {
  return field.name === CPUID_VALUES ? CODES_OF_CPUID_ENTRY.length : field.elements;
}

function idOf(field: TdField, index: number): bigint {
  const step = field.name === CPUID_VALUES ? (CODES_OF_CPUID_ENTRY[index] as number) : index;
  return field.id + BigInt(step);
}
