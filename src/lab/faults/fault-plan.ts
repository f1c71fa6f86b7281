import { EMULATED, NEWER_LEAVES } from "../../module/leaf-table.ts";
import { OPERAND_IDS, STATUS_CODES, type StatusName } from "../../module/status-codes.ts";
import { Failure } from "../../units/failure.ts";
import { didYouMean } from "../../units/nearest.ts";
import { PAGE_SIZE } from "../../units/page.ts";
import { legalFaults } from "./legal-statuses.ts";

/** Any leaf: calls are counted over all of them. */
export const ANY_LEAF = "*";

/** Which calls of the leaf fail. */
export type FaultPlace =
  /** Calls number `from` to `from` + `times` - 1, counted from 1; repeated ones count too. */
  | { readonly kind: "calls"; readonly from: number; readonly times: number }
  /** Each with this probability. */
  | { readonly kind: "chance"; readonly p: number }
  /** The first `times` calls on the page with this address: a GPA or HPA, as the leaf takes it. */
  | { readonly kind: "page"; readonly address: number; readonly times: number };

/** SEAMCALLs that are to fail, and with what. */
export interface FaultPlan {
  /** As it was written, to tell of it. */
  readonly text: string;
  /** ABI name of the leaf, or {@link ANY_LEAF}. */
  readonly leaf: string;
  /** Name with operand: `TDX_OPERAND_BUSY|RCX`. */
  readonly status: string;
  readonly place: FaultPlace;
  /** The leaf may be given a status that it cannot answer. */
  readonly isAnyStatus: boolean;
}

const EVER = Number.POSITIVE_INFINITY;
const FORM = "LEAF:STATUS[|OPERAND] with @k=N, :p=P, :from=N,times=M or @page=ADDRESS";

/**
 * Reads `LEAF:STATUS[|OPERAND]` and where it happens; nothing there is every call (CONTRACT).
 *
 * @param isAnyStatus takes statuses that the leaf cannot answer (`--fault-any`)
 * @throws Failure `usage`
 */
export function parseFault(text: string, isAnyStatus = false): FaultPlan {
  const [, leafText = "", statusText = "", placeText] =
    /^([^:@]+):([^:@]+)(?:[:@](.+))?$/.exec(text.trim()) ?? [];
  if (leafText === "" || statusText === "") throw wrong(text, "it is not a fault", FORM);
  const leaf = parseLeaf(text, leafText);
  return {
    text,
    leaf,
    status: parseStatus(text, leaf, statusText, isAnyStatus),
    place: parsePlace(text, placeText),
    isAnyStatus,
  };
}

function wrong(text: string, problem: string, hint: string): Failure {
  return new Failure("usage", `fault "${text}": ${problem}`, { hint });
}

function parseLeaf(text: string, given: string): string {
  if (given === ANY_LEAF) return ANY_LEAF;
  const newer = NEWER_LEAVES.filter((leaf) => leaf !== undefined);
  const names = [...EMULATED, ...newer].map((leaf) => leaf.name);
  const name = given.toUpperCase();
  if (names.includes(name)) return name;
  const hint = didYouMean(name, names, "tdx-sim leaves lists them");
  throw wrong(text, `there is no leaf "${given}"`, hint);
}

function parseStatus(text: string, leaf: string, given: string, isAny: boolean): string {
  const upper = given.toUpperCase();
  const [code = "", operand] = upper.split("|");
  const name = code.startsWith("TDX_") ? code : `TDX_${code}`;
  if (!Object.hasOwn(STATUS_CODES, name) || name === "TDX_SUCCESS") {
    const names = Object.keys(STATUS_CODES).filter((each) => each !== "TDX_SUCCESS");
    const hint = didYouMean(name, names, "statuses are spelt as in the ABI");
    throw wrong(text, `"${given}" is no status that a call fails with`, hint);
  }
  if (operand !== undefined && !Object.hasOwn(OPERAND_IDS, operand)) {
    throw wrong(text, `there is no operand "${operand}"`, "for example RCX, TDR, SEPT_TREE");
  }
  const legal = leaf === ANY_LEAF ? [] : legalFaults(leaf);
  const full =
    operand === undefined ? withOperand(name as StatusName, legal) : `${name}|${operand}`;
  if (isAny || leaf === ANY_LEAF || legal.includes(full)) return full;
  const same = legal.filter((status) => status.startsWith(name)).join(", ");
  throw wrong(
    text,
    `${leaf} cannot answer ${full}`,
    `${same === "" ? `it can answer ${legal.slice(0, 4).join(", ")} ...` : `it can answer ${same}`}; --fault-any lifts this`,
  );
}

/** The operand that KVM retries on is the first of those that the leaf may name. */
function withOperand(name: StatusName, legal: readonly string[]): string {
  return legal.find((status) => status === name || status.startsWith(`${name}|`)) ?? name;
}

function parsePlace(text: string, given: string | undefined): FaultPlace {
  if (given === undefined) return { kind: "calls", from: 1, times: EVER };
  const values = new Map<string, string>();
  for (const part of given.split(",")) {
    const [, key, value] = /^(k|p|from|times|page)=([0-9a-fx.e+-]+)$/.exec(part) ?? [];
    if (key === undefined || value === undefined || values.has(key)) {
      throw wrong(text, `"${given}" says no calls`, FORM);
    }
    values.set(key, value);
  }
  const keys = [...values.keys()].join();
  const count = (key: string): number => wholeFrom1(text, key, values.get(key));
  switch (keys) {
    case "k":
      return { kind: "calls", from: count("k"), times: 1 };
    case "from":
      return { kind: "calls", from: count("from"), times: EVER };
    case "from,times":
      return { kind: "calls", from: count("from"), times: count("times") };
    case "times":
      return { kind: "calls", from: 1, times: count("times") };
    case "p":
      return { kind: "chance", p: probability(text, values.get("p") as string) };
    case "page":
      return { kind: "page", address: pageAddress(text, values.get("page")), times: EVER };
    case "page,times": {
      const address = pageAddress(text, values.get("page"));
      return { kind: "page", address, times: count("times") };
    }
    default:
      throw wrong(text, `"${given}" says no calls`, FORM);
  }
}

function wholeFrom1(text: string, key: string, value = ""): number {
  const number = /^[0-9]{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(number) && number >= 1) return number;
  throw wrong(text, `${key}=${value} is no whole number from 1 on`, FORM);
}

function probability(text: string, value: string): number {
  const p = /^(?:[0-9]*\.)?[0-9]+(?:e-?[0-9]+)?$/.test(value) ? Number(value) : Number.NaN;
  if (p > 0 && p <= 1) return p;
  throw wrong(text, `p=${value} is no probability`, "a number above 0 and up to 1");
}

function pageAddress(text: string, value = ""): number {
  const address = /^(?:0x[0-9a-f]{1,13}|[0-9]{1,16})$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(address) && address % PAGE_SIZE === 0) return address;
  throw wrong(text, `page=${value} is no address of a page`, "a multiple of 4096, 0x2000 for one");
}
