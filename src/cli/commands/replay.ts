import type { Command } from "commander";
import { RECORD_FORMATS } from "../../report/documents/records.ts";
import { replayDocument, verdictOf } from "../../report/documents/replay.ts";
import { Failure } from "../../units/failure.ts";
import { describeCommand } from "../help-text.ts";
import { inputName } from "../input-file.ts";
import type { Cli, GlobalOptions } from "../invocation.ts";
import { addOutputOptions, type OutputOptions, withOutputs } from "../outputs.ts";
import { replayFile } from "../vector-input.ts";

type Options = GlobalOptions & OutputOptions & { readonly all?: boolean };

export function define(command: Command, cli: Cli): void {
  describeCommand(
    command,
    "Replay SEAMCALL vectors (NDJSON, .gz too) against the emulated TDX module, and compare\n" +
      "every status and register that they recorded. Exits 1 when any differs.",
    ["replay seamcall-vectors.ndjson.gz", "replay - --format json < log.ndjson"],
  );
  command.argument("<file>", "vectors, one sequence a line; - is stdin");
  command.option("--all", "list every mismatch, not the first 20");
  addOutputOptions(command, RECORD_FORMATS);
  command.action((file: string) => replay(cli, file, command.optsWithGlobals<Options>()));
}

async function replay(cli: Cli, file: string, options: Options): Promise<void> {
  await withOutputs(cli.console, options, async (outputs) => {
    const result = await replayFile(cli, file, { all: options.all === true });
    await outputs.deliver(replayDocument(result));
    if (result.mismatches > 0)
      throw new Failure("expectation", `${inputName(file)}: ${verdictOf(result)}`);
  });
}
