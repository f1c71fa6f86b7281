/** Options whose values are read as the command line is: what is wrong with one names it. */
import { Option } from "commander";
import { Failure } from "../units/failure.ts";

/**
 * An option with the value that `parse` makes of its text.
 *
 * @param parse may add to the value of the same option earlier in the line
 */
export function parsedOption<T>(
  flags: string,
  description: string,
  parse: (text: string, earlier?: T) => T,
): Option {
  return new Option(flags, description).argParser((text: string, earlier?: T) => {
    try {
      return parse(text, earlier);
    } catch (error) {
      throw error instanceof Failure ? error.about(`option ${flags}`) : error;
    }
  });
}

/** For options that may be repeated. */
export function listed(text: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, text];
}

/** Whole decimal digits below 2^53. */
export function wholeNumber(text: string): number {
  const number = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw new Failure("usage", `"${text}" is not a whole number`);
}
