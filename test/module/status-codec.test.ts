import { describe, expect, test } from "vitest";
import { Status } from "../../src/module/status.ts";
import {
  OPERAND_IDS,
  type OperandName,
  STATUS_CODES,
  type StatusName,
} from "../../src/module/status-codes.ts";
import { formatHex64, parseHex64 } from "../../src/units/hex64.ts";
import { tally } from "../support/totals.ts";

const NAMES = Object.keys(STATUS_CODES) as StatusName[];
const OPERANDS = Object.keys(OPERAND_IDS) as OperandName[];

describe("the 64-bit status", () => {
  test.each(NAMES)("%s keeps its code with every operand", (name) => {
    for (const operand of OPERANDS) {
      const status = Status.of(name, operand);
      expect(status.value >> 32n).toBe(BigInt(STATUS_CODES[name]));
      expect(status.value & 0xffff_ffffn).toBe(BigInt(OPERAND_IDS[operand]));
      expect(status.text).toBe(`${name}|${operand}`);
      expect(parseHex64(formatHex64(status.value))).toBe(status.value);
    }
  });

  test("keeps every value of its details, and comes back from JSON", () => {
    tally("E11", NAMES.length * 256, "statuses with each of 256 details");
    for (const name of NAMES) {
      for (let details = 0; details < 256; details++) {
        const { value } = Status.atFieldCode(name, details);
        const expected = (BigInt(STATUS_CODES[name]) << 32n) | BigInt(details);
        const text = JSON.stringify(formatHex64(value));
        if (value !== expected || parseHex64(JSON.parse(text)) !== expected) {
          expect.unreachable(`${name} ${details} became 0x${value.toString(16)}, ${text}`);
        }
      }
    }
  });

  test("is one object for one value, so that equal statuses are the same", () => {
    for (const name of NAMES) {
      for (let id = 0; id < 256; id++) expect(Status.at(name, id)).toBe(Status.at(name, id));
    }
  });

  test("tells two values apart by their text", () => {
    const texts = NAMES.flatMap((name) => OPERANDS.map((operand) => Status.of(name, operand).text));
    expect(new Set(texts).size).toBe(NAMES.length * OPERANDS.length);
  });

  test("is an error exactly where bit 63 is set", () => {
    for (const name of NAMES) {
      const status = Status.of(name);
      expect(status.isError, name).toBe(status.value >> 63n === 1n);
    }
  });
});
