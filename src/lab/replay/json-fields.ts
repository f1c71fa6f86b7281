import { Failure } from "../../units/failure.ts";

/** Fields of parsed JSON, read with a check each; `where` names the place in a Failure. */
export type JsonObject = { readonly [key: string]: unknown };

const ADDRESS_LIMIT = 2 ** 52;
const MOST_SHOWN = 60;
const HEX64 = /^0x[0-9a-f]{1,16}$/i;

/** Throws a `data` Failure: the input does not have its documented form. */
export function refuse(where: string, problem: string): never {
  throw new Failure("data", where === "" ? problem : `${where}: ${problem}`);
}

/** A value of the input as an error message shows it: short, whatever its size. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (isObject(value)) return "an object";
  const text = JSON.stringify(typeof value === "string" ? value.slice(0, MOST_SHOWN) : value);
  return typeof value === "string" && value.length > MOST_SHOWN ? `${text}...` : text;
}

export function at(where: string, key: string): string {
  return where === "" ? key : `${where}.${key}`;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value that is to be an object. */
export function asObject(value: unknown, where: string): JsonObject {
  if (isObject(value)) return value;
  return refuse(where, `an object is wanted here, not ${shown(value)}`);
}

function given(object: JsonObject, key: string, where: string): unknown {
  const value = object[key];
  return value === undefined ? refuse(where, `field ${key} is missing`) : value;
}

export function objectField(object: JsonObject, key: string, where: string): JsonObject {
  return asObject(given(object, key, where), at(where, key));
}

export function arrayField(object: JsonObject, key: string, where: string): readonly unknown[] {
  const value = given(object, key, where);
  if (Array.isArray(value)) return value;
  return refuse(at(where, key), `a list is wanted here, not ${shown(value)}`);
}

export function stringField(object: JsonObject, key: string, where: string): string {
  const value = given(object, key, where);
  if (typeof value === "string") return value;
  return refuse(at(where, key), `a text is wanted here, not ${shown(value)}`);
}

/** An integer from `min` to `max`. */
export function integerField(
  object: JsonObject,
  key: string,
  where: string,
  min: number,
  max: number,
): number {
  const value = given(object, key, where);
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) {
    return value as number;
  }
  return refuse(at(where, key), `${shown(value)} is not an integer from ${min} to ${max}`);
}

/** A physical address or a size below 2^52, written in hexadecimal and a multiple of `unit`. */
export function addressField(
  object: JsonObject,
  key: string,
  where: string,
  unit: number,
  limit: number = ADDRESS_LIMIT,
): number {
  const value = given(object, key, where);
  const address = typeof value === "string" && HEX64.test(value) ? Number(value) : Number.NaN;
  if (address >= 0 && address < limit && address % unit === 0) return address;
  const wanted = `0x and hexadecimal digits below 0x${limit.toString(16)}`;
  const aligned = unit === 1 ? "" : `, a multiple of 0x${unit.toString(16)}`;
  return refuse(at(where, key), `${shown(value)} is out of range (${wanted}${aligned})`);
}

/** Bits 51:0 and 63:52 of a 64-bit value written in hexadecimal. */
export function parseRegister(value: unknown, where: string): { low: number; high: number } {
  if (typeof value !== "string" || !HEX64.test(value)) {
    return refuse(where, `${shown(value)} is not 0x and one to sixteen hexadecimal digits`);
  }
  // Thirteen digits are 52 bits, which a number holds exactly.
  if (value.length <= 15) return { low: Number(value), high: 0 };
  const split = value.length - 13;
  return {
    low: Number.parseInt(value.slice(split), 16),
    high: Number.parseInt(value.slice(2, split), 16),
  };
}

/** As registers are written in messages: `0x` and no leading zeroes. */
export function formatRegister(low: number, high: number): string {
  if (high === 0) return `0x${low.toString(16)}`;
  return `0x${high.toString(16)}${low.toString(16).padStart(13, "0")}`;
}
