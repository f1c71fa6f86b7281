import type { Registers } from "./registers.ts";

/** Class and field code of a metadata field id: all that selects a field (ABI 7 TDH.MNG.RD). */
export interface FieldId {
  readonly fieldClass: number;
  readonly code: number;
}

const LOW_ONES = 2 ** 52 - 1;
/** Bits 54:52, the context code, as they stand in the upper part of a register. */
const CONTEXT = 7;

/** Bits 61:56. */
export function fieldClassOf(id: bigint): number {
  return Number((id >> 56n) & 0x3fn);
}

/** Bits 23:0. */
export function fieldCodeOf(id: bigint): number {
  return Number(id & 0xff_ffffn);
}

/** The id in `register`, or null where bits 31:24, 37:34, 46:38, 49:47, 55 or 62 are not 0. */
export function readFieldId(r: Registers, register: number): FieldId | null {
  const low = r.low[register] as number;
  const high = r.high(register);
  const code = low % 2 ** 24;
  const bits31To24 = Math.floor(low / 2 ** 24) % 2 ** 8;
  const bits49To34 = Math.floor(low / 2 ** 34) % 2 ** 16;
  const bit55 = high & 0x008;
  const bit62 = high & 0x400;
  if (bits31To24 !== 0 || bits49To34 !== 0 || bit55 !== 0 || bit62 !== 0) return null;
  return { fieldClass: (high >> 4) & 0x3f, code };
}

/** The null id, whatever its context: version 1 asks for the first readable field with it. */
export function isNullFieldId(r: Registers, register: number): boolean {
  return r.low[register] === LOW_ONES && (r.high(register) | CONTEXT) === 0xfff;
}
