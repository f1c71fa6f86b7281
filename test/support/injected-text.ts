import type { Chance } from "../model/chance.ts";

/** In every text, so that a test sees where it was told back. */
export const MARK = "mark";

const CODES = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => String.fromCodePoint(from + at));

/** Bytes that a terminal obeys, and characters that hide or turn round what is read (CWE-150). */
const CONTROLS: readonly string[] = [
  ...[...CODES(0x00, 0x1f), ...CODES(0x7f, 0x9f), ...CODES(0x200b, 0x200f)],
  ...[...CODES(0x2028, 0x202e), ...CODES(0x2060, 0x2069), "\u00ad", "\u061c", "\u180e", "\ufeff"],
  ...[
    "\u034f",
    "\u115f",
    "\u3164",
    "\ufe0f",
    "\u{e0100}",
    "\ufff9",
    "\u{1d173}",
    "\u{e0001}",
    "\u{e0041}\u{e007f}",
  ],
  ...["\x1b[31m", "\x1b[0m", "\x1b[2J\x1b[H", "\x1b[?1049h", "\x1b[8mhidden", "\x1b[6n", "\x1bc"],
  ...["\x1b]0;owned\x07", "\x1b]52;c;b3duZWQ=\x07", "\x1b]8;;http://x/\x1b\\here\x1b]8;;\x1b\\"],
  ...["\x1bP1$r0m\x1b\\", "\x1b_G\x1b\\", "\x1b^x\x1b\\", "\x1bX\x1b\\", "\x9b31m", "\x90q\x9c"],
  ...["\x9d0;owned\x9c", "\r\n", "\n::error::forged", "\nforged: x", "\rforged", "\b\b\b\b"],
];
/** What a spreadsheet takes for a formula when a cell begins with it. */
const FORMULAS = ["=1+1+", "+1+", "-1+", "@SUM(1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0", "=A1&"];
/** What a browser, a page on GitHub or a test report would take for its own. */
const MARKUP: readonly string[] = [
  ...["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</script><script>", "<!--"],
  ...["</title><svg onload=alert(1)>", "' onmouseover='alert(1)", "]]>", "--></style>", "&lt;b>"],
  ...["[a](javascript:alert(1))", "](javascript:alert(1))", "![x](http://x/)", "`", "```", "~~~"],
  ...[
    "|",
    "\\|",
    "a|b|c",
    "\\",
    "**",
    "<a href=javascript:x>",
    "# ",
    "# SKIP",
    "%0A::error::",
    "::",
  ],
];

/** A text with one or two things in it that nobody may print as they are. */
export function injectedText(chance: Chance): string {
  const piece = (): string => chance.pick(chance.is(0.6) ? CONTROLS : MARKUP);
  if (chance.is(0.2)) return `${chance.pick(FORMULAS)}${MARK}${piece()}`;
  return chance.pick([
    ...[`${piece()}${MARK}`, `${MARK}${piece()}`, `${MARK}${piece()}${piece()}`],
    ...[`${piece()}${MARK}${piece()}`],
  ]);
}
