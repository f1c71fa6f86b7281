import type { Command } from "commander";
import { RECORD_FORMATS } from "../../report/documents/records.ts";
import { tdDocument } from "../../report/documents/td.ts";
import { checkTdName } from "../../store/td-name.ts";
import { describeCommand } from "../help-text.ts";
import type { Cli, GlobalOptions } from "../invocation.ts";
import { addOutputOptions, type OutputOptions, withOutputs } from "../outputs.ts";
import { openStore, requireHost, restoreHost } from "../stored-host.ts";

type Options = GlobalOptions & OutputOptions;

export function define(command: Command, cli: Cli): void {
  describeCommand(
    command,
    "Show a TD of the store: lifecycle, HKID, runs of pages, and the SEAMCALLs of each ioctl.",
    ["show web", "show web --format json"],
  );
  command.argument("<name>", "name of the TD");
  addOutputOptions(command, RECORD_FORMATS);
  command.action((name: string) => show(cli, name, command.optsWithGlobals<Options>()));
}

async function show(cli: Cli, name: string, options: Options): Promise<void> {
  checkTdName(name);
  await withOutputs(cli.console, options, async (outputs) => {
    const host = requireHost(restoreHost(openStore(cli, options, "show").read()), name);
    const report = host.report(name);
    if (report === undefined) throw new Error(`TD ${name} vanished from an unshared host`);
    await outputs.deliver(tdDocument(report));
  });
}
