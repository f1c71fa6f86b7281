import { OPERAND_IDS } from "../../module/status-codes.ts";

const LAST_REGISTER = OPERAND_IDS.R15;

/** Registers as the format spells them, with the numbers of ABI 1.2. */
export const REGISTER_NUMBERS: ReadonlyMap<string, number> = new Map(
  Object.entries(OPERAND_IDS)
    .filter(([, id]) => id <= LAST_REGISTER)
    .map(([name, id]) => [name.toLowerCase(), id]),
);

const NAMES: ReadonlyMap<number, string> = new Map(
  [...REGISTER_NUMBERS].map(([name, number]) => [number, name]),
);

export function registerName(register: number): string {
  return NAMES.get(register) as string;
}
