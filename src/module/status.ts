import { OPERAND_IDS, type OperandName, STATUS_CODES, type StatusName } from "./status-codes.ts";

const OPERAND_NAMES = new Map<number, OperandName>(
  Object.entries(OPERAND_IDS).map(([name, id]) => [id, name as OperandName]),
);

/**
 * What a SEAMCALL returns in RAX: a code and, in bits 31:0, details such as an operand id.
 * Each distinct value exists once, so two statuses are equal exactly when they are the same object.
 */
export class Status {
  readonly name: StatusName;
  /** Bits 31:0 of RAX. */
  readonly details: number;
  /** RAX as the module returns it. */
  readonly value: bigint;
  /** Name with operand, `TDX_OPERAND_BUSY|RCX`. */
  readonly text: string;

  private constructor(name: StatusName, details: number, text: string) {
    this.name = name;
    this.details = details;
    this.value = (BigInt(STATUS_CODES[name]) << 32n) | BigInt(details);
    this.text = text;
  }

  static readonly #known = new Map<string, Status>();

  static #intern(name: StatusName, details: number, suffix: string): Status {
    const text = name + suffix;
    let status = Status.#known.get(text);
    if (status === undefined) {
      status = new Status(name, details, text);
      Status.#known.set(text, status);
    }
    return status;
  }

  static of(name: StatusName, operand?: OperandName): Status {
    return operand === undefined
      ? Status.#intern(name, 0, "")
      : Status.#intern(name, OPERAND_IDS[operand], `|${operand}`);
  }

  /** A status that points at an operand known only by its number. */
  static at(name: StatusName, operandId: number): Status {
    return Status.of(name, OPERAND_NAMES.get(operandId));
  }

  /** A guest-side status whose details are the level where the walk ended. */
  static atLevel(name: StatusName, level: number): Status {
    return Status.#intern(name, level, `|LEVEL_${level}`);
  }

  /** A status of an L2 walk: VM in bits 31:16, level in bits 15:0. */
  static atL2Entry(name: StatusName, vm: number, level: number): Status {
    return Status.#intern(name, vm * 0x10000 + level, `|VM_${vm}|LEVEL_${level}`);
  }

  /** A status whose details are a VMCS field code. */
  static atFieldCode(name: StatusName, code: number): Status {
    return Status.#intern(name, code, `|FIELD_0x${code.toString(16)}`);
  }

  /** Bit 63: the call failed. Several "nothing was done" codes have it clear (ABI 1.1). */
  get isError(): boolean {
    return STATUS_CODES[this.name] >= 0x80000000;
  }
}

export const SUCCESS = Status.of("TDX_SUCCESS");
