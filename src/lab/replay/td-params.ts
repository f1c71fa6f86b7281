import { at, type JsonObject, parseRegister, refuse, shown } from "./json-fields.ts";

/** Bytes of TD_PARAMS (ABI 10.2). */
export const TD_PARAMS_BYTES = 1024;
const FIRST_RESERVED_BYTE = 20;
/** EAX of CPUID configuration entry 0. */
const CPUID_CONFIG = 256;

/** Fields that a step may name, with offset and size in bytes. */
const FIELDS = [
  { name: "attributes", offset: 0, size: 8 },
  { name: "xfam", offset: 8, size: 8 },
  { name: "maxVcpus", offset: 16, size: 2 },
  { name: "numL2Vms", offset: 18, size: 1 },
  { name: "eptpControls", offset: 24, size: 8 },
  { name: "configFlags", offset: 32, size: 8 },
  { name: "tscFrequency", offset: 40, size: 2 },
  { name: "cpuidConfig0Eax", offset: CPUID_CONFIG, size: 4 },
] as const;

/** The structure that a `host-write-td-params` step describes; fields not named are 0. */
export function encodeTdParams(params: JsonObject, where: string): Uint8Array {
  const bytes = new Uint8Array(TD_PARAMS_BYTES);
  for (const { name, offset, size } of FIELDS) {
    const value = params[name];
    if (value !== undefined) write(bytes, offset, size, value, at(where, name));
  }
  const reserved = params["reservedNonZero"] ?? false;
  if (typeof reserved !== "boolean") {
    refuse(at(where, "reservedNonZero"), `true or false is wanted here, not ${shown(reserved)}`);
  }
  if (reserved) bytes[FIRST_RESERVED_BYTE] = 1;
  return bytes;
}

function write(bytes: Uint8Array, offset: number, size: number, given: unknown, where: string) {
  const isCount = Number.isSafeInteger(given) && (given as number) >= 0;
  const text = isCount ? `0x${(given as number).toString(16)}` : given;
  const { low, high } = parseRegister(text, where);
  let value = (BigInt(high) << 52n) | BigInt(low);
  if (value >= 1n << BigInt(size * 8)) {
    refuse(where, `${shown(given)} does not fit in ${size} bytes`);
  }
  for (let i = 0; i < size; i++) {
    bytes[offset + i] = Number(value & 0xffn);
    value >>= 8n;
  }
}
