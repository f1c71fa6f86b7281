import { LEAVES } from "../../module/leaf-table.ts";
import { type CallEnvironment, QUIET } from "../../module/module.ts";
import type { Platform } from "../../module/platform.ts";
import {
  addressField,
  arrayField,
  asObject,
  integerField,
  isObject,
  type JsonObject,
  objectField,
  parseRegister,
  refuse,
  shown,
  stringField,
} from "./json-fields.ts";
import { parseFinal } from "./parse-final.ts";
import { parsePlatform } from "./parse-platform.ts";
import { REGISTER_NUMBERS } from "./register-names.ts";
import type { AcceptStep, CallStep, RegisterValue, Sequence, Step } from "./sequence.ts";
import { parseTdParams } from "./td-params.ts";

const MOST_IRQ_TESTS = Number.MAX_SAFE_INTEGER;
const LEAF_NUMBER_LIMIT = 0x10000;

const LEAF_NUMBERS: ReadonlyMap<string, number> = new Map(
  LEAVES.flatMap((leaf) => (leaf === undefined ? [] : [[leaf.name, leaf.number]])),
);

function leafName(number: number): string {
  return LEAVES[number]?.name ?? `LEAF_${number}`;
}

/**
 * A sequence from the JSON value of one line. Throws a `data` Failure that says where in the
 * sequence it has not the documented form; unknown keys are ignored.
 */
export function parseSequence(value: unknown): Sequence {
  if (!isObject(value)) return refuse("", `a sequence is an object, not ${shown(value)}`);
  const id = stringField(value, "id", "");
  const platform = parsePlatform(objectField(value, "platform", id), `${id}: platform`);
  const steps = arrayField(value, "steps", id).map((step, i) =>
    parseStep(step, platform, `${id}: steps[${i}]`),
  );
  const final = value["final"] ?? null;
  if (final === null) return { id, platform, steps, final };
  return { id, platform, steps, final: parseFinal(final, platform, `${id}: final`) };
}

function parseStep(given: unknown, platform: Platform, where: string): Step {
  const step = asObject(given, where);
  const op = stringField(step, "op", where);
  switch (op) {
    case "seamcall":
    case "vp-enter":
      return parseCall(op, step, platform, where);
    case "vp-exit":
      return { op, lp: lpField(step, platform, where), out: registersField(step, "out", where) };
    case "td-accept":
      return parseAccept(step, platform, where);
    case "host-write-td-params": {
      const pa = addressField(step, "pa", where, 1);
      const params = objectField(step, "tdParams", where);
      const bytes = parseTdParams(params, `${where}.tdParams`);
      return { op, pa: pa % 2 ** platform.hkidShift, bytes };
    }
    default:
      return refuse(where, `unknown op ${shown(op)}`);
  }
}

function parseCall(
  op: CallStep["op"],
  step: JsonObject,
  platform: Platform,
  where: string,
): CallStep {
  const number = integerField(step, "number", where, 0, LEAF_NUMBER_LIMIT - 1);
  const named = LEAF_NUMBERS.get(stringField(step, "leaf", where));
  if (named !== undefined && named !== number) {
    refuse(`${where}.leaf`, `${shown(step["leaf"])} has number ${named}, not ${number}`);
  }
  if (op === "vp-enter" && number !== 0) refuse(`${where}.number`, "TDH.VP.ENTER has number 0");
  const version = optionalInteger(step, "version", where, 0xff) ?? 0;
  const given = registersField(step, "in", where);
  const rax = given.find(({ register }) => register === 0);
  if (rax !== undefined && rax.low % LEAF_NUMBER_LIMIT !== number) {
    refuse(`${where}.in.rax`, `bits 15:0 are not the leaf number ${number}`);
  }
  return {
    op,
    lp: lpField(step, platform, where),
    leaf: leafName(number),
    in:
      rax === undefined
        ? [{ register: 0, low: number + version * LEAF_NUMBER_LIMIT, high: 0 }, ...given]
        : given,
    out: registersField(step, "out", where),
    status: optionalString(step, "status", where),
    environment: parseEnvironment(step, where),
  };
}

function parseAccept(step: JsonObject, platform: Platform, where: string): AcceptStep {
  const hasExit = step["exit"] !== undefined;
  return {
    op: "td-accept",
    lp: lpField(step, platform, where),
    in: registersField(step, "in", where),
    out: hasExit && step["out"] === undefined ? [] : registersField(step, "out", where),
    status: optionalString(step, "status", where),
    exit: hasExit ? registersField(step, "exit", where) : null,
  };
}

function parseEnvironment(step: JsonObject, where: string): CallEnvironment {
  const quietTests = optionalInteger(step, "irq", where, MOST_IRQ_TESTS);
  const { pconfig = "OK", entropy = true } = step;
  if (quietTests === null && pconfig === "OK" && entropy === true) return QUIET;
  if (pconfig !== "OK" && pconfig !== "ENTROPY_ERROR" && pconfig !== "DEVICE_BUSY") {
    return refuse(`${where}.pconfig`, `${shown(pconfig)} is not ENTROPY_ERROR or DEVICE_BUSY`);
  }
  if (typeof entropy !== "boolean") {
    return refuse(`${where}.entropy`, `true or false is wanted here, not ${shown(entropy)}`);
  }
  return { quietTests: quietTests ?? QUIET.quietTests, pconfig, hasEntropy: entropy };
}

function lpField(step: JsonObject, platform: Platform, where: string): number {
  return integerField(step, "lp", where, 0, platform.lpToPackage.length - 1);
}

function registersField(step: JsonObject, key: string, where: string): RegisterValue[] {
  const registers = objectField(step, key, where);
  const values: RegisterValue[] = [];
  for (const name in registers) {
    const register = REGISTER_NUMBERS.get(name);
    if (register === undefined) continue;
    const { low, high } = parseRegister(registers[name], `${where}.${key}.${name}`);
    values.push({ register, low, high });
  }
  return values;
}

function optionalInteger(object: JsonObject, key: string, where: string, max: number) {
  return object[key] === undefined ? null : integerField(object, key, where, 0, max);
}

function optionalString(object: JsonObject, key: string, where: string): string | null {
  return object[key] === undefined ? null : stringField(object, key, where);
}
