import type { Command } from "commander";
import { DRAWING_NAMES, FORMAT_NAMES } from "../../report/render.ts";
import { runComparison } from "../comparison.ts";
import { addDrawingOptions, type DrawingOptions, Drawings } from "../drawing-options.ts";
import { describeCommand } from "../help-text.ts";
import { addRunOptions, type Cli, type GlobalOptions, type RunOptions } from "../invocation.ts";
import { addOutputOptions } from "../outputs.ts";
import { addTdOptions, givenTd, type TdOptionValues } from "../td-options.ts";
import { addTdArgument } from "../td-target.ts";
import { addVerdictOptions, type VerdictOptions } from "../verdict.ts";
import { addWhatIfOption } from "../what-if-options.ts";

interface Options
  extends GlobalOptions,
    RunOptions,
    DrawingOptions,
    TdOptionValues,
    VerdictOptions {
  readonly strategy?: readonly string[];
}

export function define(command: Command, cli: Cli): void {
  describeCommand(
    command,
    "Tear copies of one TD down by every strategy of its kernel, side by side. Nothing stored\n" +
      "changes. --kernel takes several generations, commas between them, and crosses them.",
    [
      "compare",
      "compare --memory 400G --vcpus 64",
      "compare --kernel v16,terminate-v4 --strategy runtime,hint,terminate",
      "compare web --export html=web.html",
    ],
  );
  addTdArgument(command);
  const text = "strategies, commas between them (default all)";
  command.option("--strategy <list>", text, commaList);
  addTdOptions(command);
  addRunOptions(command);
  addWhatIfOption(command);
  addVerdictOptions(command);
  addOutputOptions(command, FORMAT_NAMES, DRAWING_NAMES);
  addDrawingOptions(command);
  command.action((name?: string) => compare(cli, name, command.optsWithGlobals<Options>()));
}

async function compare(cli: Cli, name: string | undefined, options: Options): Promise<void> {
  await runComparison(cli, options, {
    command: "compare",
    name,
    ...crossing(name, options),
    strategies: options.strategy ?? null,
    drawings: new Drawings(options),
  });
}

/**
 * The kernels to cross, and the TD options without them. With a name they say who tears copies of
 * that TD down; without one the first of them is the TD's own.
 */
function crossing(name: string | undefined, options: Options) {
  const { kernel, ...others } = options;
  if (kernel === undefined) return { kernels: null, given: givenTd(options) };
  const kernels = [...new Set(commaList(kernel))];
  if (name !== undefined) return { kernels, given: givenTd(others) };
  const [first = kernel] = kernels;
  return { kernels, given: givenTd({ ...others, kernel: first }) };
}

function commaList(text: string): string[] {
  return text.split(",").map((each) => each.trim());
}
