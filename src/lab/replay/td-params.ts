import { encodeTdParams } from "../../module/encode-td-params.ts";
import { at, type JsonObject, parseRegister, refuse, shown } from "./json-fields.ts";

/** Places in TD_PARAMS (ABI 10.2): the first reserved byte, EAX of CPUID configuration entry 0. */
const RESERVED_BYTE = 20;
const CPUID_CONFIG0_EAX = 256;

/** The structure that a `host-write-td-params` step describes; fields not named are 0. */
export function parseTdParams(params: JsonObject, where: string): Uint8Array {
  const field = (name: string, size: number): bigint =>
    params[name] === undefined ? 0n : parseValue(params[name], size, at(where, name));
  const reserved = params["reservedNonZero"] ?? false;
  if (typeof reserved !== "boolean") {
    refuse(at(where, "reservedNonZero"), `true or false is wanted here, not ${shown(reserved)}`);
  }
  const bytes = encodeTdParams({
    attributes: field("attributes", 8),
    xfam: field("xfam", 8),
    maxVcpus: Number(field("maxVcpus", 2)),
    numL2Vms: Number(field("numL2Vms", 1)),
    eptpControls: field("eptpControls", 8),
    configFlags: field("configFlags", 8),
    tscFrequency: Number(field("tscFrequency", 2)),
  });
  if (reserved) bytes[RESERVED_BYTE] = 1;
  const view = new DataView(bytes.buffer);
  view.setUint32(CPUID_CONFIG0_EAX, Number(field("cpuidConfig0Eax", 4)), true);
  return bytes;
}

/** A field of `size` bytes, given in hexadecimal or as a JSON number. */
function parseValue(given: unknown, size: number, where: string): bigint {
  const isCount = Number.isSafeInteger(given) && (given as number) >= 0;
  const text = isCount ? `0x${(given as number).toString(16)}` : given;
  const { low, high } = parseRegister(text, where);
  const value = (BigInt(high) << 52n) | BigInt(low);
  if (value < 1n << BigInt(size * 8)) return value;
  return refuse(where, `${shown(given)} does not fit in ${size} bytes`);
}
