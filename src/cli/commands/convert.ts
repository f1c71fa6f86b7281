import type { Command } from "commander";
import { convertTd } from "../../lab/guest-life.ts";
import { requireTd } from "../../lab/lifecycle.ts";
import { RECORD_FORMATS } from "../../report/documents/records.ts";
import { describeCommand } from "../help-text.ts";
import { addRunOptions, type Cli, type GlobalOptions, type RunOptions } from "../invocation.ts";
import { addMemoryPartOptions, type MemoryPartOptions, memoryPart } from "../memory-part.ts";
import { addOutputOptions, type OutputOptions } from "../outputs.ts";
import { nextCommand } from "../stored-host.ts";
import { changeStoredTd } from "../stored-td-change.ts";
import { addTdArgument } from "../td-target.ts";

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
  addTdArgument(command);
  addMemoryPartOptions(command);
  command.option("--back", "from shared to private; populate maps it again");
  addRunOptions(command);
  addOutputOptions(command, RECORD_FORMATS);
  command.action((name?: string) => convert(cli, name, command.optsWithGlobals<Options>()));
}

async function convert(cli: Cli, name: string | undefined, options: Options): Promise<void> {
  const to = options.back === true ? "private" : "shared";
  await changeStoredTd(cli, name, options, {
    command: "convert",
    work: (host, chosen, session) => {
      const part = memoryPart(options, requireTd(host, chosen).options.memoryBytes);
      return convertTd(host, chosen, { ...part, to }, session);
    },
    interruption: (chosen) => ({
      what: `interrupted; TD ${chosen} is converted as far as it came`,
      hint: `${nextCommand(options, `show ${chosen}`)} tells how far that is`,
    }),
    next: "compare",
  });
}
