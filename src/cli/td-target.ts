/** Which TD a command works on (CONTRACT, "Commands"). */
import type { Command } from "commander";
import type { TdOptions } from "../lab/td-options.ts";
import { checkTdName } from "../store/td-name.ts";
import { Failure } from "../units/failure.ts";
import type { GivenTd } from "./td-options.ts";

/** What is known of a stored TD here. */
export interface StoredTd {
  readonly name: string;
  readonly destroyed: boolean;
}

/** A TD to be made. */
export interface FreshTd {
  readonly kind: "fresh";
  readonly options: Partial<TdOptions>;
  readonly source: "options" | "default";
}

export type TdTarget = FreshTd | { readonly kind: "stored"; readonly name: string };

/** The argument that names a TD of the store. */
export function addTdArgument(command: Command): void {
  command.argument("[name]", "name of the TD (default: the one live TD in the store)");
}

/**
 * The TD for `destroy` and `compare`: the one named; else a new one of the TD options; else the
 * one live TD of the store; else the default.
 *
 * @param stored reads the store, only when it is needed
 * @throws Failure `usage` when a name and options are given or several TDs could be meant,
 *   `no-input` when the name was never there
 */
export function chooseTarget(
  name: string | undefined,
  given: GivenTd,
  stored: () => readonly StoredTd[],
): TdTarget {
  if (name !== undefined) {
    checkTdName(name);
    if (given.any) {
      throw new Failure("usage", `TD options make a new TD, but ${name} names a stored one`, {
        hint: "give the name or the TD options",
      });
    }
    requireTd(name, stored());
    return { kind: "stored", name };
  }
  if (given.any) return { kind: "fresh", options: given.options, source: "options" };
  const live = liveNames(stored());
  const [only] = live;
  if (live.length > 1) throw severalTds(live);
  if (only === undefined) return { kind: "fresh", options: {}, source: "default" };
  return { kind: "stored", name: only };
}

/**
 * The stored TD for `populate`: the one named, else the one live TD.
 *
 * @throws Failure as `chooseTarget` does; `no-input` when there is no live TD
 */
export function chooseStored(name: string | undefined, stored: readonly StoredTd[]): string {
  if (name !== undefined) {
    checkTdName(name);
    requireTd(name, stored);
    return name;
  }
  const live = liveNames(stored);
  if (live.length > 1) throw severalTds(live);
  const [only] = live;
  if (only === undefined) {
    throw new Failure("no-input", "the store holds no live TD", { hint: "tdx-sim create" });
  }
  return only;
}

function requireTd(name: string, stored: readonly StoredTd[]): void {
  if (stored.some((td) => td.name === name)) return;
  throw new Failure("no-input", `there is no TD ${name} in the store`, {
    hint: "tdx-sim list shows what there is",
  });
}

function liveNames(stored: readonly StoredTd[]): string[] {
  return stored.filter(({ destroyed }) => !destroyed).map(({ name }) => name);
}

function severalTds(names: readonly string[]): Failure {
  return new Failure("usage", `several TDs could be meant: ${names.join(", ")}`, {
    hint: "name one of them",
  });
}
