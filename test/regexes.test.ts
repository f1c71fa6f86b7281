import { readdirSync, readFileSync } from "node:fs";
import { createContext, Script } from "node:vm";
import fc from "fast-check";
import { parseSync } from "oxc-parser";
import { describe, expect, test } from "vitest";
import { PATIENCE, runs, testSeed } from "./support/sample.ts";
import { tally } from "./support/totals.ts";

const SOURCES = new URL("../src/", import.meta.url);
const LENGTH = 100_000;
const SLOW_MS = 50;
/** A pattern that explodes would take longer than the sun shines. */
const GIVE_UP_MS = 2000;
const TIMED_OUT = "ERR_SCRIPT_EXECUTION_TIMEOUT";

interface Found {
  readonly place: string;
  readonly pattern: string;
  readonly flags: string;
}

/** Every regular expression of the sources: literals, and those built at run time. */
function regexes(): { literals: Found[]; built: string[] } {
  const literals = new Map<string, Found>();
  const built: string[] = [];
  for (const file of readdirSync(SOURCES, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".ts")) continue;
    const { program } = parseSync(file, readFileSync(new URL(file, SOURCES), "utf8"));
    const look = (node: unknown): void => {
      if (typeof node !== "object" || node === null) return;
      const { regex, type, callee } = node as {
        regex?: { pattern: string; flags: string };
        type?: string;
        callee?: { name?: string };
      };
      if (regex) literals.set(`/${regex.pattern}/${regex.flags}`, { place: file, ...regex });
      if (/^(New|Call)Expression$/.test(type ?? "") && callee?.name === "RegExp") built.push(file);
      for (const child of Object.values(node)) look(child);
    };
    look(program);
  }
  return { literals: [...literals.values()], built };
}

/**
 * Texts of `LENGTH` characters that a pattern may choke on: pieces of what it matches, repeated,
 * after what comes before them in a match, and with an end that lets the match fail.
 */
function attacks({ pattern, flags }: Found, samples: number): string[] {
  const texts = new Set<string>();
  const pumped = (before: string, piece: string, after: string): void => {
    const times = Math.floor((LENGTH - before.length - after.length) / piece.length);
    if (times > 0)
      for (const end of ["", "\0", after]) texts.add(before + piece.repeat(times) + end);
  };
  for (const piece of [
    "a",
    "A",
    "0",
    " ",
    "\n",
    "\t",
    ".",
    ",",
    "-",
    "/",
    "=",
    '"',
    "\\",
    "_",
    "é",
  ]) {
    pumped("", piece, "!");
  }
  for (const piece of ["a ", "0.", "a,", " \n", "a.", "0,", "..", "ab", "a-", ": ", "a:"]) {
    pumped("", piece, "!");
  }
  for (const match of matchesOf(pattern, flags, samples)) {
    for (let from = 0; from < match.length; from++) {
      for (let length = 1; length <= 3 && from + length <= match.length; length++) {
        const to = from + length;
        pumped(match.slice(0, from), match.slice(from, to), match.slice(to));
      }
    }
  }
  return [...texts];
}

const PRINTABLE = String.fromCharCode(...Array.from({ length: 0x7f - 0x20 }, (_, i) => 0x20 + i));

/** fast-check draws for `[^...]` from printable ASCII, and where none of it is left for ever. */
function leavesNothing(pattern: string): boolean {
  const classes = pattern.match(/\[\^(?:\\.|[^\]\\])*\]/g) ?? [];
  return classes.some((each) => !new RegExp(each).test(PRINTABLE));
}

/** Short texts that the pattern matches; none for syntax that cannot be generated from. */
function matchesOf(pattern: string, flags: string, samples: number): string[] {
  if (leavesNothing(pattern)) return [];
  try {
    const arbitrary = fc.stringMatching(new RegExp(pattern, flags), { size: "-1" });
    const found = fc.sample(arbitrary, { seed: testSeed(), numRuns: samples });
    return found.map((text) => text.slice(0, 12));
  } catch {
    return [];
  }
}

/** Tries one pattern on one text, the shorter beginnings first; interruptible, as vm is. */
const ATTEMPT = new Script(`
  (() => {
  let slowest = 0;
  for (const length of [20, 24, 28, 100, 1000, 10000, text.length]) {
    const part = length < text.length ? text.slice(0, length - 2) + text.slice(-2) : text;
    const from = now();
    if (regex.global) part.replace(regex, "");
    else regex.test(part);
    slowest = Math.max(slowest, now() - from);
    if (slowest > limit) break;
  }
  return slowest;
  })()
`);

/** Milliseconds that the pattern takes for its worst text: the lower of two tries. */
function worstOf(found: Found, samples: number): { ms: number; text: string } {
  const regex = new RegExp(found.pattern, found.flags);
  const context = createContext({ text: "", regex, now: () => performance.now(), limit: SLOW_MS });
  let worst = { ms: 0, text: "" };
  for (const text of attacks(found, samples)) {
    context["text"] = text;
    const attempt = (): number => {
      try {
        return ATTEMPT.runInContext(context, { timeout: GIVE_UP_MS }) as number;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === TIMED_OUT) return GIVE_UP_MS;
        throw error;
      }
    };
    let ms = attempt();
    // Other programs take their time too; what is slow is slow again.
    for (let again = 0; ms > SLOW_MS && ms < GIVE_UP_MS && again < 8; again++) {
      ms = Math.min(ms, attempt());
    }
    if (ms > worst.ms) worst = { ms, text };
    if (ms > SLOW_MS) break;
  }
  return worst;
}

const FOUND = regexes();

describe("no regular expression can be made to backtrack", () => {
  test("none is built at run time, and those of the sources are found", () => {
    expect(FOUND.built).toEqual([]);
    expect(FOUND.literals.length).toBeGreaterThan(50);
  });

  test.each(FOUND.literals)(
    "/$pattern/$flags of $place",
    (found) => {
      tally("S7", 1, "regular expressions");
      const { ms, text } = worstOf(found, runs(2, 40));
      const shown = `${text.slice(0, 30)}...${text.slice(-5)}`;
      expect(ms, `${JSON.stringify(shown)}, ${text.length} characters`).toBeLessThan(SLOW_MS);
    },
    PATIENCE,
  );

  test.each(["^(a+)+$", "^(\\w|\\d)*$", "\\s+$", "^(?:[a-z]+,?)*;$", "a+b"])(
    "/%s/ is found out",
    (pattern) => {
      expect(worstOf({ place: "", pattern, flags: "" }, 2).ms).toBeGreaterThan(SLOW_MS);
    },
    PATIENCE,
  );
});
