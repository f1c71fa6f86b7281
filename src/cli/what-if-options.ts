/** `--what-if`: ideas on top of a kernel generation that no kernel has. */
import { type Command, Option } from "commander";
import { parseWhatIf, parseWhatIfs, type WhatIf } from "../lab/what-if.ts";
import { named } from "./td-options.ts";

export interface WhatIfOptions {
  readonly whatIf?: readonly string[];
}

const FLAGS = "--what-if <idea>";

export function addWhatIfOption(command: Command): void {
  command.optionsGroup("What-if options:");
  const option = new Option(
    FLAGS,
    "what no kernel does: batch-track, batch-wbinvd, no-clear, parallel=N, huge-leaves; " +
      "commas between several; may be repeated",
  );
  const parse = (text: string, earlier?: readonly string[]): string[] => [
    ...(earlier ?? []),
    ...text.split(",").map((each) => named(FLAGS, parseWhatIf)(each.trim()).text),
  ];
  command.addOption(option.argParser(parse));
}

/**
 * The ideas of a run; nothing when none were asked for.
 *
 * @throws Failure `usage`
 */
export function whatIfsOf({ whatIf = [] }: WhatIfOptions): { whatIf?: readonly WhatIf[] } {
  return whatIf.length === 0 ? {} : { whatIf: parseWhatIfs(whatIf) };
}
