import type { Chance } from "../model/chance.ts";

/** Values that have broken programs of every kind. */
export const HOSTILE_TEXTS: readonly string[] = [
  ...[
    "",
    " ",
    "-",
    "--",
    "-1",
    "+1",
    "0",
    "00",
    "0x10",
    "1e9",
    "1e999",
    "1_000",
    "NaN",
    "Infinity",
  ],
  ...[
    "9007199254740993",
    "18446744073709551616",
    "99999999999999999999",
    "0.1",
    ".",
    "..",
    "../..",
  ],
  ...["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "%s", "%00", "%2e%2e"],
  ...["~", "$HOME", "`id`", "$(id)", ";id", "|id", "'", '"', "\\", "null", "undefined", "true"],
  ...["=1+1", "+1", "@SUM(A1)", "-2+3", "<script>alert(1)</script>", "]]>", "&amp;", "|a|b|"],
  ...["\u0000", "a\u0000b", "\n", "a\nb", "\r\n", "\t", "\u001b[2J", "\u009b31m", "\u202egnp"],
  ...[
    "\u2066",
    "\u200b",
    "\ufeff",
    "\ufffd",
    "\ud800",
    "a\u0308",
    "ä",
    "𝕏",
    "٣",
    "１",
    "🙂".repeat(30),
  ],
  ...["x".repeat(256), "9".repeat(400), "a,".repeat(300), "(".repeat(300), "1K..".repeat(40)],
];

const BITS = ["0", "1", "9", "-", ".", ",", ":", "=", "@", "/", "\u0000", "\u001b", "\u202e", "é"];

/** The text with one to three small changes: characters lost, doubled, swapped, put in. */
export function mutated(text: string, chance: Chance): string {
  let changed = text;
  for (let rounds = chance.integer(1, 3); rounds > 0; rounds--) {
    const at = chance.integer(0, changed.length);
    const to = Math.min(changed.length, at + chance.integer(0, 4));
    const piece = changed.slice(at, to);
    const instead = chance.pick(["", piece + piece, chance.pick(BITS), chance.pick(HOSTILE_TEXTS)]);
    changed = changed.slice(0, at) + instead + changed.slice(to);
  }
  return changed;
}
