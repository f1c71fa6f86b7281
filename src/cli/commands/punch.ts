import type { Command } from "commander";
import { punchTd } from "../../lab/guest-life.ts";
import { requireTd } from "../../lab/lifecycle.ts";
import { RECORD_FORMATS } from "../../report/documents/records.ts";
import { describeCommand } from "../help-text.ts";
import { addRunOptions, type Cli, type GlobalOptions, type RunOptions } from "../invocation.ts";
import { addMemoryPartOptions, type MemoryPartOptions, memoryPart } from "../memory-part.ts";
import { addOutputOptions, type OutputOptions } from "../outputs.ts";
import { nextCommand } from "../stored-host.ts";
import { changeStoredTd } from "../stored-td-change.ts";
import { addTdArgument } from "../td-target.ts";

interface Options extends GlobalOptions, RunOptions, OutputOptions, MemoryPartOptions {}

export function define(command: Command, cli: Cli): void {
  describeCommand(
    command,
    "Give a part of a stored TD's memory up (fallocate with PUNCH_HOLE on guest_memfd): KVM takes\n" +
      "its pages away one by one. A page of 2 MiB that goes in part is split first (DEMOTE).\n" +
      "populate fills the hole again.",
    ["punch web --size 64M", "punch web --share 10% --at 1G"],
  );
  addTdArgument(command);
  addMemoryPartOptions(command);
  addRunOptions(command);
  addOutputOptions(command, RECORD_FORMATS);
  command.action((name?: string) => punch(cli, name, command.optsWithGlobals<Options>()));
}

async function punch(cli: Cli, name: string | undefined, options: Options): Promise<void> {
  await changeStoredTd(cli, name, options, {
    command: "punch",
    work: (host, chosen, session) => {
      const part = memoryPart(options, requireTd(host, chosen).options.memoryBytes);
      return punchTd(host, chosen, part, session);
    },
    interruption: (chosen) => ({
      what: `interrupted; TD ${chosen} lost its pages as far as it came`,
      hint: `${nextCommand(options, `show ${chosen}`)} tells how far that is`,
    }),
    next: "compare",
  });
}
