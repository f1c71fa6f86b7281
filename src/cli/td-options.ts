/** The options that say what TD is meant, wherever a TD is made. */
import { type Command, Option } from "commander";
import { LAYOUTS, type TdOptions } from "../lab/td-options.ts";
import { Failure } from "../units/failure.ts";
import { formatSize, parseSize } from "../units/size.ts";
import { parsedOption, wholeNumber } from "./parsed-option.ts";
import { findPlatform } from "./platform-option.ts";
import { findTdShape } from "./td-shapes.ts";

/** Option values by commander's attribute names; those of other options are ignored here. */
export interface TdOptionValues {
  readonly memory?: number;
  readonly populated?: number;
  readonly vcpus?: number;
  readonly packages?: number;
  readonly lps?: number;
  readonly pageSize?: TdOptions["pageSize"];
  readonly initialImage?: number;
  readonly kernel?: string;
  readonly platform?: string;
  readonly td?: string;
  readonly layout?: TdOptions["layout"];
  /** False with `--no-finalize`; commander makes it true otherwise. */
  readonly finalize?: boolean;
  readonly running?: number;
}

/** Adds every TD option to a command, as a group of its own in the help. */
export function addTdOptions(command: Command): void {
  command.optionsGroup("TD options:");
  const add = (flags: string, text: string, parse?: (value: string) => unknown): void => {
    command.addOption(parse ? parsedOption(flags, text, parse) : new Option(flags, text));
  };
  add("--memory <size>", "private memory, for example 16G (default 16G)", parseSize);
  add("--populated <size>", "how much of it is mapped (default all)", parseSize);
  add("--vcpus <n>", "virtual CPUs (default 4)", wholeNumber);
  add("--packages <n>", "CPU packages of the host (default 1)", wholeNumber);
  add("--lps <n>", "logical processors of the host (default max(16, vCPUs))", wholeNumber);
  add("--page-size <size>", "4K or 2M (default what the kernel maps)", pageSize);
  add("--initial-image <size>", "measured part of the memory (default 0)", parseSize);
  add("--kernel <generation>", "kernel generation (default v16); tdx-sim kernels lists them");
  add("--running <n>", "vCPUs in the guest when the teardown begins (default 0)", wholeNumber);
  add("--no-finalize", "never finalize the TD: only its initial image is mapped");
  add("--platform <name|file>", "the host: hkids-63, hkids-15, two-socket ... (default as needed)");
  add(
    "--td <shape>",
    "a published or cloud TD, for example published-64x400; tdx-sim help td-shapes lists them",
  );
  command.addOption(
    new Option("--layout <layout>", "guest physical layout (default contiguous)").choices(LAYOUTS),
  );
}

/** The TD that the options ask for; empty when none of them was given. */
export interface GivenTd {
  readonly options: Partial<TdOptions>;
  /** Whether any option shapes the TD. */
  readonly any: boolean;
}

/**
 * What the TD options say; `--td` is the base that the others change.
 *
 * @throws Failure `usage` for a shape or platform that there is none of, `no-input` and `data`
 *   for a platform file
 */
export function givenTd(values: TdOptionValues): GivenTd {
  const platform = values.platform === undefined ? undefined : findPlatform(values.platform);
  const shape = values.td === undefined ? {} : findTdShape(values.td);
  const given = {
    // A shape tells on how many packages it was seen; a platform that is named knows better.
    ...(platform?.packages === undefined ? {} : { packages: platform.packages }),
    memoryBytes: values.memory,
    populatedBytes: values.populated,
    vcpus: values.vcpus,
    ...(values.packages === undefined ? {} : { packages: values.packages }),
    lps: values.lps,
    pageSize: values.pageSize,
    initialImageBytes: values.initialImage,
    layout: values.layout,
    kernel: values.kernel,
    running: values.running,
    finalize: values.finalize === false ? false : undefined,
    platform,
  };
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  const options: Partial<TdOptions> = { ...shape, ...Object.fromEntries(present) };
  return { options, any: Object.keys(options).length > 0 };
}

export function pageSize(text: string): TdOptions["pageSize"] {
  const bytes = parseSize(text);
  if (bytes === parseSize("4K")) return "4K";
  if (bytes === parseSize("2M")) return "2M";
  throw new Failure("usage", `there are no TD pages of ${formatSize(bytes)}`, {
    hint: "page sizes are 4K and 2M",
  });
}
