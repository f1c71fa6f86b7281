import { NS_PER } from "../../units/duration.ts";
import { Failure } from "../../units/failure.ts";
import { parseSize } from "../../units/size.ts";
import { unclear } from "./expression.ts";

export type Token =
  | { readonly kind: "number"; readonly at: number; readonly text: string; readonly value: number }
  | { readonly kind: "string"; readonly at: number; readonly text: string; readonly value: string }
  | { readonly kind: "name"; readonly at: number; readonly text: string }
  /** A kernel generation after `@`. */
  | { readonly kind: "kernel"; readonly at: number; readonly text: string }
  | { readonly kind: "sign"; readonly at: number; readonly text: string }
  | { readonly kind: "end"; readonly at: number; readonly text: "" };

const LENGTH_MAX = 1000;
const SPACE = /[ \t]+/y;
const NUMBER = /(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(%|[A-Za-z]+)?/y;
const STRING = /"([^"]*)"|'([^']*)'/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const SIGN = /<=|>=|==|!=|[<>+\-*/().[\]]/y;
const KERNEL = /@(?:"([^"]*)"|'([^']*)')/y;

/** Times in nanoseconds, as results carry them. */
const { d: _, ...SHORT_TIMES } = NS_PER;
const TIME_UNITS: Readonly<Record<string, number>> = SHORT_TIMES;

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/**
 * The words of an expectation.
 *
 * @param kernels names of the kernel generations: they may contain dots, so that where one ends
 *   is only known from the list
 * @throws Failure `usage`
 */
export function tokenize(text: string, kernels: readonly string[]): Token[] {
  if (text.length > LENGTH_MAX) {
    throw unclear(`${text.slice(0, 40)}...`, LENGTH_MAX, `it is longer than ${LENGTH_MAX}`);
  }
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const space = matchAt(SPACE, text, at);
    if (space === null) {
      const token = tokenAt(text, at, kernels);
      tokens.push(token);
      at += token.text.length;
    } else at += space[0].length;
  }
  tokens.push({ kind: "end", at, text: "" });
  return tokens;
}

function tokenAt(text: string, at: number, kernels: readonly string[]): Token {
  const number = matchAt(NUMBER, text, at);
  if (number !== null) return numberToken(text, at, number);
  const string = matchAt(STRING, text, at);
  if (string !== null) {
    return { kind: "string", at, text: string[0], value: string[1] ?? string[2] ?? "" };
  }
  const name = matchAt(NAME, text, at);
  if (name !== null) return { kind: "name", at, text: name[0] };
  const sign = matchAt(SIGN, text, at);
  if (sign !== null) return { kind: "sign", at, text: sign[0] };
  if (text[at] === "@") return kernelToken(text, at, kernels);
  const what =
    text[at] === "=" ? "= is not a comparison, == is" : `${text[at]} has no meaning here`;
  throw unclear(text, at, what);
}

function numberToken(text: string, at: number, match: RegExpExecArray): Token {
  const [all, digits = "", unit] = match;
  const token = { kind: "number", at, text: all } as const;
  if (unit === undefined) return { ...token, value: Number(digits) };
  if (unit === "%") return { ...token, value: Number(digits) / 100 };
  const time = Object.hasOwn(TIME_UNITS, unit) ? TIME_UNITS[unit] : undefined;
  if (time !== undefined) return { ...token, value: Number(digits) * time };
  try {
    return { ...token, value: parseSize(all) };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const units = `units are ${Object.keys(TIME_UNITS).join(", ")}, K, M, G, T and %`;
    throw unclear(text, at, `${all} has no known unit`, units);
  }
}

function kernelToken(text: string, at: number, kernels: readonly string[]): Token {
  const quoted = matchAt(KERNEL, text, at);
  if (quoted !== null) return { kind: "kernel", at, text: quoted[0] };
  const rest = text.slice(at + 1);
  const fits = kernels.filter(
    (name) => rest.startsWith(name) && !/^[A-Za-z0-9_-]/.test(rest.slice(name.length)),
  );
  const [longest] = fits.toSorted((a, b) => b.length - a.length);
  if (longest !== undefined) return { kind: "kernel", at, text: `@${longest}` };
  const hint = `there is ${kernels.join(", ")}`;
  throw unclear(text, at, "@ is not followed by a kernel generation", hint);
}
