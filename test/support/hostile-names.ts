import type { Chance } from "../model/chance.ts";

/** What leads elsewhere, means something to a shell or a system, or looks like something else. */
const PIECES: readonly string[] = [
  ...["..", ".", "/", "//", "\\", "\0", "~", "-rf", "--", "-", "*", "?", ":", ";", "|", "&", "#"],
  ...["%2e", "%2e%2e%2f", "%00", "..%5c", "%c0%ae", "file:///", "C:", "\\\\?\\", "::$DATA"],
  ...["CON", "NUL", "COM1", "aux.", "LPT1.txt", "host.1.json", "lock", "lock.after.0", ".tmp"],
  ...["é", "e\u0301", "ﬁ", "ſ", "\u212a", "ı", "İ", "ａ", "．．", "／", "٣", "²", "а", "ß", "𝐚"],
  ...[" ", "\t", "\n", "\r\n", "\v", "\u00a0", "\u3000", "\u2028", "\u0085", "\x1b[2J", "\x7f"],
  ...["\u202e", "\u2066", "\u200b", "\u200f", "\ufeff", "\u00ad", "\u{e0041}", "\ufe0f", "\ud800"],
  ...["`id`", "$(id)", "$HOME", "'", '"', "<script>", "=1+1", "@", "__proto__", "constructor"],
  ...["", "web", "web-2", "a", "0", "td-1", "WEB", "wEb", "_", ".git", "null", "x".repeat(63)],
  ...["x".repeat(64), "x".repeat(256), "é".repeat(128), "a/".repeat(200), "-".repeat(63), "🙂"],
];

/** A name that a user, a script or an attacker may give: every piece once, then mixtures. */
export function hostileName(round: number, chance: Chance): string {
  const piece = PIECES[round];
  if (piece !== undefined) return piece;
  const [one, two] = [chance.pick(PIECES), chance.pick(PIECES)];
  const name = chance.pick(["web", "a", "td-1"]);
  return chance.pick([
    ...[`${name}${one}`, `${one}${name}`, `${one}${two}`, `${name}${one}${two}`],
    ...[`../${one}`, `${one}/../${two}`, `${one}${one}${one}`, `${name}${one}${name}`],
    ...[`${name}-${chance.integer(0, 99)}`, "b".repeat(chance.integer(1, 70))],
  ]);
}
