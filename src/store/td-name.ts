import { Failure } from "../units/failure.ts";

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** Whether the store can hold a TD of this name (reliability S5). */
export function isTdName(name: string): boolean {
  return NAME.test(name);
}

/**
 * Refuses what is no TD name.
 *
 * @throws Failure `usage` with the rule as hint.
 */
export function checkTdName(name: string): void {
  if (isTdName(name)) return;
  throw new Failure("usage", `"${name}" is not a TD name`, {
    hint: "a name has 1 to 63 characters a-z, 0-9 and -, and does not start with -",
  });
}

/** The first of `td-1`, `td-2` ... that is not taken: same store, same name. */
export function nextTdName(taken: Iterable<string>): string {
  const names = new Set(taken);
  let number = 1;
  while (names.has(`td-${number}`)) number += 1;
  return `td-${number}`;
}
