import type { Command } from "commander";
import { createTd } from "../../lab/lifecycle.ts";
import { SimulatedHost } from "../../lab/simulated-host.ts";
import { RECORD_FORMATS } from "../../report/documents/records.ts";
import { tdDocument } from "../../report/documents/td.ts";
import { checkTdName, nextTdName } from "../../store/td-name.ts";
import { describeCommand } from "../help-text.ts";
import {
  addRunOptions,
  type Cli,
  type GlobalOptions,
  type RunOptions,
  runSession,
} from "../invocation.ts";
import { addOutputOptions, type OutputOptions } from "../outputs.ts";
import { resolvedTd } from "../resolved-td.ts";
import { changeHost, nextCommand, openStore } from "../stored-host.ts";
import { addTdOptions, givenTd, type TdOptionValues } from "../td-options.ts";

type Options = GlobalOptions & RunOptions & OutputOptions & TdOptionValues;

export function define(command: Command, cli: Cli): void {
  describeCommand(
    command,
    "Make a TD: KVM_CREATE_VM, KVM_TDX_INIT_VM and its vCPUs. It is kept in the store.",
    ["create", "create web --memory 16G --vcpus 4", "create big --td published-64x400"],
  );
  command.argument("[name]", "name of the TD (default: the first free of td-1, td-2 ...)");
  addTdOptions(command);
  addRunOptions(command);
  addOutputOptions(command, RECORD_FORMATS);
  command.action((name?: string) => create(cli, name, command.optsWithGlobals<Options>()));
}

async function create(cli: Cli, name: string | undefined, options: Options): Promise<void> {
  if (name !== undefined) checkTdName(name);
  const td = resolvedTd(cli, givenTd(options).options);
  await runSession(cli, options, async (session, outputs) => {
    const report = await changeHost(
      cli,
      openStore(cli, options, "create"),
      (stored) => stored ?? SimulatedHost.boot(td),
      (host) => {
        const free = name ?? nextTdName(host.names().map((other) => other.name));
        return createTd(host, free, td, session);
      },
      { what: "interrupted while the TD was made", hint: "tdx-sim list shows what there is" },
    );
    await outputs.deliver(tdDocument(report));
    cli.console.note(`next: ${nextCommand(options, `populate ${report.name}`)}`);
  });
}
