import type { Command } from "commander";
import { MODULE_VERSION, VERSION } from "../../lab/version.ts";
import { RECORD_FORMATS, recordsDocument } from "../../report/documents/records.ts";
import { describeCommand } from "../help-text.ts";
import type { Cli, GlobalOptions } from "../invocation.ts";
import { addOutputOptions, type OutputOptions, withOutputs } from "../outputs.ts";

export function define(command: Command, cli: Cli): void {
  describeCommand(command, "Print the versions of the program and of what it models.", [
    "version",
    "version --format json",
  ]);
  addOutputOptions(command, RECORD_FORMATS);
  command.action(() => version(cli, command.optsWithGlobals<GlobalOptions & OutputOptions>()));
}

async function version(cli: Cli, options: OutputOptions): Promise<void> {
  await withOutputs(cli.console, options, async (outputs) => {
    const versions = { version: VERSION, module: MODULE_VERSION, node: process.versions.node };
    const lines = [
      `tdx-sim ${VERSION}, a simulator`,
      `Emulated TDX module ${MODULE_VERSION}`,
      `Node.js ${process.versions.node}`,
    ];
    await outputs.deliver(
      recordsDocument({
        json: { schema: "tdx-sim/version/v1", ...versions },
        rowSchema: "version-row",
        rows: [versions],
        table: () => lines,
      }),
    );
  });
}
