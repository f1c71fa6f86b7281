/** `--what-if`: ideas on top of a kernel generation that no kernel has. */
import type { Command } from "commander";
import { parseWhatIf, parseWhatIfs, type WhatIf } from "../lab/what-if.ts";
import { parsedOption } from "./parsed-option.ts";

export interface WhatIfOptions {
  readonly whatIf?: readonly string[];
}

export function addWhatIfOption(command: Command): void {
  command.optionsGroup("What-if options:");
  command.addOption(
    parsedOption<readonly string[]>(
      "--what-if <idea>",
      "what no kernel does: batch-track, batch-wbinvd, no-clear, parallel=N, huge-leaves; " +
        "commas between several; may be repeated",
      (text, earlier = []) => [
        ...earlier,
        ...text.split(",").map((each) => parseWhatIf(each.trim()).text),
      ],
    ),
  );
}

/**
 * The ideas of a run; nothing when none were asked for.
 *
 * @throws Failure `usage`
 */
export function whatIfsOf({ whatIf = [] }: WhatIfOptions): { whatIf?: readonly WhatIf[] } {
  return whatIf.length === 0 ? {} : { whatIf: parseWhatIfs(whatIf) };
}
