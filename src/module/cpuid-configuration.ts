/** Offset of the CPUID configuration entries in TD_PARAMS, and bytes of one: EAX, EBX, ECX, EDX. */
const FIRST_ENTRY = 256;
const ENTRY_BYTES = 16;
const NO_SUB_LEAF = 0xffffffff;
/** Native family, model and stepping of the platform (EAX of leaf 1). */
export const NATIVE_FAMILY_MODEL_STEPPING = 0x806f8;

const HLE = 1 << 4;
const RTM = 1 << 11;

interface CpuidEntry {
  readonly leaf: number;
  readonly subLeaf: number;
  /** Bits that may be 1 in EAX, EBX, ECX, EDX. */
  readonly allowed: readonly [number, number, number, number];
}

const CACHE = [0xffffc3ff, 0xfffff000, 0xffffffff, 0xfffffffb] as const;

/** The CPUID configuration entries in the order of TD_PARAMS (ABI 10.2). */
export const CPUID_ENTRIES: readonly CpuidEntry[] = [
  { leaf: 1, subLeaf: NO_SUB_LEAF, allowed: [0x0fff3fff, 0x00ff0000, 0x31044d88, 0xb8440000] },
  { leaf: 4, subLeaf: 0, allowed: CACHE },
  { leaf: 4, subLeaf: 1, allowed: CACHE },
  { leaf: 4, subLeaf: 2, allowed: CACHE },
  { leaf: 4, subLeaf: 3, allowed: [0xffffc3ff, 0xfffff000, 0xffffffff, 7] },
  { leaf: 7, subLeaf: 0, allowed: [0, 0xdc2b9b18, 0x02417f65, 0x0005411c] },
  { leaf: 7, subLeaf: 1, allowed: [0x1d30, 0, 0, 0] },
  { leaf: 0xa, subLeaf: NO_SUB_LEAF, allowed: [0, 0, 0, 0] },
  { leaf: 0x1c, subLeaf: NO_SUB_LEAF, allowed: [0xff, 0, 0, 0] },
  { leaf: 0x80000008, subLeaf: NO_SUB_LEAF, allowed: [0, 0x200, 0, 0] },
  { leaf: 7, subLeaf: 2, allowed: [0, 0, 0, 0x28] },
  { leaf: 0x23, subLeaf: 0, allowed: [0xf, 0, 0, 0] },
];

const LEAF_7_ENTRY = 5;

/**
 * Judges the CPUID configuration of TD_PARAMS, rows 18 and 19 of ABI 7 TDH.MNG.INIT. Null is
 * accepted; else what RCX shows: leaf in bits 31:0 and sub-leaf above, 0 for HLE unlike RTM.
 */
export function findCpuidRefusal(params: DataView, isMigratable: boolean): bigint | null {
  for (const [i, { leaf, subLeaf, allowed }] of CPUID_ENTRIES.entries()) {
    const values = allowed.map((_, k) => cpuidRegister(params, i, k));
    const isAllowed = values.every((value, k) => (value & ~(allowed[k] as number)) === 0);
    const isFamilyLegal = i > 0 || isMigratable || isNativeFamily(values[0] as number);
    if (!isAllowed || !isFamilyLegal) return (BigInt(subLeaf) << 32n) | BigInt(leaf);
  }
  const features = cpuidRegister(params, LEAF_7_ENTRY, 1);
  return ((features & HLE) === 0) === ((features & RTM) === 0) ? null : 0n;
}

/** Register `k` (0 EAX to 3 EDX) of CPUID configuration entry `i`. */
export function cpuidRegister(params: DataView, i: number, k: number): number {
  return params.getUint32(FIRST_ENTRY + i * ENTRY_BYTES + k * 4, true);
}

/** 0 asks for the platform's own. */
function isNativeFamily(eax: number): boolean {
  return eax === 0 || eax === NATIVE_FAMILY_MODEL_STEPPING;
}
