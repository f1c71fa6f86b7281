import type { Command } from "commander";
import { kernelsDocument } from "../../lab/kernel-facts.ts";
import { findGeneration } from "../../lab/kernels.ts";
import { renderKernels } from "../../report/documents/kernels.ts";
import { RECORD_FORMATS } from "../../report/documents/records.ts";
import { describeCommand } from "../help-text.ts";
import type { Cli, GlobalOptions } from "../invocation.ts";
import { addOutputOptions, type OutputOptions, withOutputs } from "../outputs.ts";

type Options = GlobalOptions & OutputOptions;

export function define(command: Command, cli: Cli): void {
  describeCommand(
    command,
    "List the kernel generations with their strategies, status and source. With a name: its\n" +
      "commands, errno and retries too, and what of it is not read off the kernel.",
    ["kernels", "kernels v6.16", "kernels --format markdown"],
  );
  command.argument("[kernel]", "one generation in full");
  addOutputOptions(command, RECORD_FORMATS);
  command.action((kernel?: string) => kernels(cli, kernel, command.optsWithGlobals<Options>()));
}

async function kernels(cli: Cli, name: string | undefined, options: Options): Promise<void> {
  if (name !== undefined) findGeneration(name);
  await withOutputs(cli.console, options, async (outputs) => {
    const document = kernelsDocument(name === undefined ? undefined : [name]);
    await outputs.deliver(renderKernels(document, name !== undefined));
  });
}
