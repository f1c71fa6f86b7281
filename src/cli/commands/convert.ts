import type { Command } from "commander";
import { convertTd } from "../../lab/guest-life.ts";
import { requireTd } from "../../lab/lifecycle.ts";
import { describeCommand } from "../help-text.ts";
import {
  addRunOptions,
  type Cli,
  changeHost,
  type GlobalOptions,
  nextCommand,
  openStore,
  type RunOptions,
  runSession,
  storedTds,
} from "../invocation.ts";
import { addMemoryPartOptions, type MemoryPartOptions, memoryPart } from "../memory-part.ts";
import { addOutputOptions, type OutputOptions } from "../outputs.ts";
import { RECORD_FORMATS } from "../records.ts";
import { requireHost } from "../stored-host.ts";
import { tdDocument } from "../td-document.ts";
import { chooseStored } from "../td-target.ts";

interface Options extends GlobalOptions, RunOptions, OutputOptions, MemoryPartOptions {
  readonly back?: boolean;
}

export function define(command: Command, cli: Cli): void {
  describeCommand(
    command,
    "Convert a part of a stored TD's memory from private to shared: KVM takes its private pages\n" +
      "away one by one (BLOCK, TRACK, REMOVE, WBINVD). --back makes shared memory private again,\n" +
      "which costs nothing until the guest touches it.",
    ["convert web --share 25%", "convert web --size 1G --at 2G", "convert web --size 1G --back"],
  );
  command.argument("[name]", "name of the TD (default: the one live TD in the store)");
  addMemoryPartOptions(command);
  command.option("--back", "from shared to private; populate maps it again");
  addRunOptions(command);
  addOutputOptions(command, RECORD_FORMATS);
  command.action((name?: string) => convert(cli, name, command.optsWithGlobals<Options>()));
}

async function convert(cli: Cli, name: string | undefined, options: Options): Promise<void> {
  await runSession(cli, options, async (session, outputs) => {
    const store = openStore(cli, options, "convert");
    const chosen = chooseStored(name, storedTds(store));
    const to = options.back === true ? "private" : "shared";
    const report = await changeHost(
      cli,
      store,
      (stored) => requireHost(stored, chosen),
      (host) => {
        const part = memoryPart(options, requireTd(host, chosen).options.memoryBytes);
        return convertTd(host, chosen, { ...part, to }, session);
      },
      {
        what: `interrupted; TD ${chosen} is converted as far as it came`,
        hint: `${nextCommand(options, `show ${chosen}`)} tells how far that is`,
      },
    );
    await outputs.deliver(tdDocument(report));
    cli.console.note(`next: ${nextCommand(options, `compare ${report.name}`)}`);
  });
}
