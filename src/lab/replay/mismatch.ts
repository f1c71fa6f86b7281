import { RAX, type Registers } from "../../module/registers.ts";
import { Status } from "../../module/status.ts";
import { STATUS_CODES, type StatusName } from "../../module/status-codes.ts";
import { formatRegister } from "./json-fields.ts";
import { registerName } from "./register-names.ts";
import type { RegisterValue } from "./sequence.ts";

/** One value that differs from the recorded one. */
export interface Mismatch {
  readonly sequence: string;
  /** Index of the step in `steps`; null for the end state. */
  readonly step: number | null;
  /** ABI name of the leaf; null for the end state. */
  readonly leaf: string | null;
  /** A register (`rcx`, `exit.rdx`), `status`, `emulation` or a path below `final`. */
  readonly field: string;
  readonly expected: string;
  readonly actual: string;
  /** The statuses of the call by name with operand; null for the end state. */
  readonly expectedStatus: string | null;
  readonly actualStatus: string | null;
}

/** What differs in a step, before it is known which step it is. */
export interface Difference {
  readonly field: string;
  readonly expected: string;
  readonly actual: string;
}

const NAMES: ReadonlyMap<number, StatusName> = new Map(
  Object.entries(STATUS_CODES).map(([name, code]) => [code, name as StatusName]),
);

/** Statuses whose details are not an operand: a level, or the VM and level of an L2 walk. */
const LEVEL_STATUSES: ReadonlySet<StatusName> = new Set([
  "TDX_PAGE_ALREADY_ACCEPTED",
  "TDX_PAGE_SIZE_MISMATCH",
]);
const L2_STATUSES: ReadonlySet<StatusName> = new Set([
  "TDX_L2_SEPT_WALK_FAILED",
  "TDX_L2_SEPT_ENTRY_NOT_FREE",
]);

/** Name with operand of a status given as RAX; other values of RAX are shown as they are. */
export function statusText({ low, high }: RegisterValue): string {
  const details = low % 2 ** 32;
  const name = NAMES.get((low - details) / 2 ** 32 + high * 2 ** 20);
  // Bits 31:0 of success are an exit reason: RAX of a VP.ENTER that has ended.
  const isExit = name === "TDX_SUCCESS" && details !== 0;
  if (name === undefined || isExit) return formatRegister(low, high);
  if (LEVEL_STATUSES.has(name)) return Status.atLevel(name, details).text;
  if (L2_STATUSES.has(name)) {
    return Status.atL2Entry(name, Math.floor(details / 0x10000), details % 0x10000).text;
  }
  // Operand id 0 is RAX, and only this status can name it.
  if (details === 0) return name === "TDX_OPERAND_INVALID" ? `${name}|RAX` : name;
  const known = Status.at(name, details);
  return known.details === details ? known.text : `${name}|0x${details.toString(16)}`;
}

/** The recorded registers that `registers` contradict; `prefix` goes before their names. */
export function differingRegisters(
  recorded: readonly RegisterValue[],
  registers: Registers,
  prefix: string,
): Difference[] | null {
  let differences: Difference[] | null = null;
  for (const each of recorded) {
    const { register } = each;
    const low = registers.low[register] as number;
    const high = registers.high(register);
    if (low === each.low && high === each.high) continue;
    differences ??= [];
    differences.push({
      field: prefix + registerName(register),
      expected: formatRegister(each.low, each.high),
      actual: formatRegister(low, high),
    });
  }
  return differences;
}

/**
 * The status that a step recorded, by name. RAX alone determines it; the name given beside it
 * speaks where RAX was not recorded.
 */
export function recordedStatus(
  status: string | null,
  out: readonly RegisterValue[],
): string | null {
  const rax = out.find(({ register }) => register === RAX);
  return rax === undefined ? status : statusText(rax);
}
