/** The options that name a part of a TD's memory, for `convert` and `punch`. */
import type { Command } from "commander";
import type { MemoryPart } from "../lab/guest-life.ts";
import { Failure } from "../units/failure.ts";
import { PAGE_SIZE } from "../units/page.ts";
import { formatSize, parseSize } from "../units/size.ts";
import { parsedOption } from "./parsed-option.ts";

export interface MemoryPartOptions {
  readonly size?: number;
  readonly share?: number;
  readonly at?: number;
}

export function addMemoryPartOptions(command: Command): void {
  command.optionsGroup("Memory options:");
  const size = parsedOption("--size <size>", "how much memory", parseSize);
  command.addOption(size.conflicts("share"));
  command.addOption(
    parsedOption("--share <percent>", "the same as a share of the TD's memory: 25%", percent),
  );
  command.addOption(
    parsedOption("--at <size>", "where it begins in the TD's memory (default 0)", parseSize),
  );
}

/**
 * The part that the options name; a share is whole pages of 4 KiB, at least one.
 *
 * @throws Failure `usage` when neither a size nor a share is given
 */
export function memoryPart(options: MemoryPartOptions, memoryBytes: number): MemoryPart {
  const { size, share, at = 0 } = options;
  if (size !== undefined) return { at, bytes: size };
  if (share === undefined) {
    throw new Failure("usage", "how much memory is not said", {
      hint: `give --size or --share; the TD has ${formatSize(memoryBytes)}`,
    });
  }
  const pages = Math.floor((memoryBytes / PAGE_SIZE) * (share / 100));
  return { at, bytes: Math.max(1, pages) * PAGE_SIZE };
}

function percent(text: string): number {
  const number = Number(/^([0-9]{1,3}(?:\.[0-9]{1,6})?)%?$/.exec(text)?.[1] ?? Number.NaN);
  if (number > 0 && number <= 100) return number;
  throw new Failure("usage", `"${text}" is not a share between 0 and 100 percent`);
}
