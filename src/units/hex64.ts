import { Failure } from "./failure.ts";

const HEX64 = /^0x([0-9a-f]{1,16})$/i;

/** A 64-bit value as registers and statuses are written: `0x` and sixteen lower-case digits. */
export function formatHex64(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16).padStart(16, "0")}`;
}

/** The value of `0x` and one to sixteen hexadecimal digits; throws a `usage` Failure otherwise. */
export function parseHex64(text: string): bigint {
  if (!HEX64.test(text)) {
    throw new Failure("usage", `${JSON.stringify(text)} is not a 64-bit hexadecimal number`, {
      hint: "write 0x and at most sixteen hexadecimal digits",
    });
  }
  return BigInt(text);
}
