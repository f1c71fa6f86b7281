/** Options of `sweep` that take lists and ranges, each an axis of the grid. */
import { type Command, Option } from "commander";
import type { Axis } from "../lab/sweep/grid.ts";
import { DEFAULT_TD, LAYOUTS, type TdOptions } from "../lab/td-options.ts";
import { Failure } from "../units/failure.ts";
import { didYouMean } from "../units/nearest.ts";
import { parseSize } from "../units/size.ts";
import { parsedOption, wholeNumber } from "./parsed-option.ts";
import { findPlatform } from "./platform-option.ts";
import { pageSize } from "./td-options.ts";
import { findTdShape } from "./td-shapes.ts";

/** Values of one axis: a million would take a second to write down, before any is refused. */
const VALUES_MAX = 100_000;

const RANGE = /^([^.,:]+(?:\.\d[^.,:]*)?)\.\.([^,:]+)(?::([x+])([^,:]+))?$/;

/**
 * The numbers of a list with ranges: `1,4,16`, `1..16`, `1..16:+5`, `1G..1T:x2`. A range grows by
 * 1 (sizes: doubles) unless it says how, and includes its end where it meets it.
 */
function numberList(text: string, parse: (text: string) => number, byFactor: boolean): number[] {
  const values = text.split(",").flatMap((part) => {
    const match = RANGE.exec(part);
    return match === null ? [parse(part)] : range(match, parse, byFactor);
  });
  if (new Set(values).size === values.length) return values;
  throw new Failure("usage", `"${text}" names a value twice`);
}

function range(
  [text, first = "", last = "", sign, step]: RegExpExecArray,
  parse: (text: string) => number,
  byFactor: boolean,
): number[] {
  const [from, to] = [parse(first), parse(last)];
  const doubles = sign === undefined ? byFactor : sign === "x";
  const by = step === undefined ? (doubles ? 2 : 1) : doubles ? wholeNumber(step) : parse(step);
  const grows = doubles ? by >= 2 && from > 0 : by >= 1;
  if (!grows || from > to) {
    throw new Failure("usage", `"${text}" is not a range that grows`, {
      hint: "for example 1..16, 1..65:+16 or 1G..1T:x2",
    });
  }
  const values: number[] = [];
  for (let value = from; value <= to; value = doubles ? value * by : value + by) {
    values.push(value);
    if (values.length > VALUES_MAX) {
      throw new Failure("usage", `"${text}" has too many values, more than ${VALUES_MAX}`, {
        hint: "sweep parts of it",
      });
    }
  }
  return values;
}

/** `a,b,c`. */
export function wordList(text: string): string[] {
  const words = text.split(",");
  if (words.includes("")) throw new Failure("usage", `"${text}" has an empty value`);
  if (new Set(words).size === words.length) return words;
  throw new Failure("usage", `"${text}" names a value twice`);
}

interface AxisOption {
  readonly flags: string;
  readonly text: string;
  readonly parse: (text: string) => Axis;
}

function numbers(key: keyof TdOptions, parse: (text: string) => number, byFactor: boolean) {
  return (text: string): Axis =>
    numberList(text, parse, byFactor).map((value): Partial<TdOptions> => ({ [key]: value }));
}

function words(of: (word: string) => Partial<TdOptions>) {
  return (text: string): Axis => wordList(text).map(of);
}

function layout(word: string): Partial<TdOptions> {
  const found = LAYOUTS.find((each) => each === word);
  if (found !== undefined) return { layout: found };
  throw new Failure("usage", `there is no layout "${word}"`, {
    hint: didYouMean(word, LAYOUTS, `layouts are ${LAYOUTS.join(", ")}`),
  });
}

/** Outermost axis first: the last one varies fastest. */
const AXES: readonly AxisOption[] = [
  { flags: "--td <shapes>", text: "published or cloud TDs", parse: words(findTdShape) },
  {
    flags: "--platform <names>",
    text: "hosts, by name or file",
    parse: words((name) => {
      const platform = findPlatform(name);
      const { packages } = platform;
      return { platform, ...(packages === undefined ? {} : { packages }) };
    }),
  },
  {
    flags: "--kernel <generations>",
    text: "kernel generations (default v16)",
    parse: words((kernel) => ({ kernel })),
  },
  {
    flags: "--page-size <sizes>",
    text: "4K or 2M or both (default 4K)",
    parse: words((size) => ({ pageSize: pageSize(size) })),
  },
  {
    flags: "--layout <layouts>",
    text: "guest physical layouts (default contiguous)",
    parse: words(layout),
  },
  {
    flags: "--packages <list>",
    text: "CPU packages, for example 1,2,4 (default 1)",
    parse: numbers("packages", wholeNumber, false),
  },
  {
    flags: "--lps <list>",
    text: "logical processors (default as needed)",
    parse: numbers("lps", wholeNumber, false),
  },
  {
    flags: "--initial-image <sizes>",
    text: "measured part of the memory (default 0)",
    parse: numbers("initialImageBytes", parseSize, true),
  },
  {
    flags: "--vcpus <list>",
    text: "virtual CPUs, for example 1,4,16 or 1..16 (default 4)",
    parse: numbers("vcpus", wholeNumber, false),
  },
  {
    flags: "--memory <sizes>",
    text: "private memory, for example 1G..1T:x2 (default 16G)",
    parse: numbers("memoryBytes", parseSize, true),
  },
  {
    flags: "--populated <sizes>",
    text: "how much of it is mapped (default all)",
    parse: numbers("populatedBytes", parseSize, true),
  },
];

function attributeOf(flags: string): string {
  return new Option(flags).attributeName();
}

export function addAxisOptions(command: Command): void {
  command.optionsGroup("Grid (lists a,b,c; ranges a..b, a..b:+n, a..b:xn):");
  for (const { flags, text, parse } of AXES) {
    command.addOption(parsedOption(flags, text, parse));
  }
}

/** Which pages are mapped is the kernel's word where nobody says it. */
const { pageSize: _, ...DEFAULTS } = DEFAULT_TD;

/** The axes that the options give, outermost first, after one of the defaults. */
export function givenAxes(options: object): Axis[] {
  const given = AXES.flatMap(({ flags }) => {
    const axis = (options as Record<string, Axis | undefined>)[attributeOf(flags)];
    return axis === undefined ? [] : [axis];
  });
  return [[DEFAULTS], ...given];
}
