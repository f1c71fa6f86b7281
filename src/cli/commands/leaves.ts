import type { Command } from "commander";
import { leafCoverage } from "../../lab/leaf-coverage.ts";
import { leavesDocument } from "../../report/documents/leaves.ts";
import { RECORD_FORMATS } from "../../report/documents/records.ts";
import { describeCommand } from "../help-text.ts";
import type { Cli, GlobalOptions } from "../invocation.ts";
import { addOutputOptions, type OutputOptions, withOutputs } from "../outputs.ts";
import { replayFile } from "../vector-input.ts";

type Options = GlobalOptions & OutputOptions & { readonly coverage?: string };

export function define(command: Command, cli: Cli): void {
  describeCommand(
    command,
    "List the leaves of the TDX module: number, and whether each is emulated fully, in part\n" +
      "(and what is missing) or not at all.",
    ["leaves", "leaves --coverage seamcall-vectors.ndjson.gz"],
  );
  command.option("--coverage <file>", "also replay vectors and tell which statuses they reach");
  addOutputOptions(command, RECORD_FORMATS);
  command.action(() => leaves(cli, command.optsWithGlobals<Options>()));
}

async function leaves(cli: Cli, options: Options): Promise<void> {
  await withOutputs(cli.console, options, async (outputs) => {
    const { coverage } = options;
    const replayed = coverage === undefined ? undefined : await replayFile(cli, coverage);
    await outputs.deliver(leavesDocument(leafCoverage(replayed)));
    if (replayed !== undefined && replayed.mismatches > 0) {
      cli.console.note(`note: ${coverage} has mismatches; tdx-sim replay lists them`);
    }
  });
}
