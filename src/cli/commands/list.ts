import type { Command } from "commander";
import { RECORD_FORMATS } from "../../report/documents/records.ts";
import { tdListDocument } from "../../report/documents/td.ts";
import { describeCommand } from "../help-text.ts";
import type { Cli, GlobalOptions } from "../invocation.ts";
import { addOutputOptions, type OutputOptions, withOutputs } from "../outputs.ts";
import { openStore, restoreHost } from "../stored-host.ts";

type Options = GlobalOptions & OutputOptions;

export function define(command: Command, cli: Cli): void {
  describeCommand(command, "List the TDs of the store, destroyed ones too.", [
    "list",
    "list --format json",
  ]);
  addOutputOptions(command, RECORD_FORMATS);
  command.action(() => list(cli, command.optsWithGlobals<Options>()));
}

async function list(cli: Cli, options: Options): Promise<void> {
  await withOutputs(cli.console, options, async (outputs) => {
    const tds = restoreHost(openStore(cli, options, "list").read())?.list() ?? [];
    await outputs.deliver(tdListDocument(tds));
    if (tds.length === 0) cli.console.note("the store holds no TD; next: tdx-sim create");
  });
}
