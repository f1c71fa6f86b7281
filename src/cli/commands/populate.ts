import type { Command } from "commander";
import { populateTd } from "../../lab/lifecycle.ts";
import { RECORD_FORMATS } from "../../report/documents/records.ts";
import { parseSize } from "../../units/size.ts";
import { describeCommand } from "../help-text.ts";
import { addRunOptions, type Cli, type GlobalOptions, type RunOptions } from "../invocation.ts";
import { addOutputOptions, type OutputOptions } from "../outputs.ts";
import { parsedOption } from "../parsed-option.ts";
import { nextCommand } from "../stored-host.ts";
import { changeStoredTd } from "../stored-td-change.ts";
import { addTdArgument } from "../td-target.ts";

interface Options extends GlobalOptions, RunOptions, OutputOptions {
  readonly populated?: number;
  readonly finalize: boolean;
}

export function define(command: Command, cli: Cli): void {
  describeCommand(
    command,
    "Put memory into a TD of the store: its initial image, KVM_TDX_FINALIZE_VM, and page faults\n" +
      "(PAGE.AUG and the guest's PAGE.ACCEPT) up to the size asked for.",
    ["populate", "populate web --populated 8G", "populate web --no-finalize"],
  );
  addTdArgument(command);
  const text = "memory mapped afterwards (default: as created)";
  command.addOption(parsedOption("--populated <size>", text, parseSize));
  command.option("--no-finalize", "leave the TD unfinalized: only its initial image is added");
  addRunOptions(command);
  addOutputOptions(command, RECORD_FORMATS);
  command.action((name?: string) => populate(cli, name, command.optsWithGlobals<Options>()));
}

async function populate(cli: Cli, name: string | undefined, options: Options): Promise<void> {
  const { finalize, populated: bytes } = options;
  await changeStoredTd(cli, name, options, {
    command: "populate",
    work: (host, chosen, session) => populateTd(host, chosen, { finalize, bytes }, session),
    interruption: (chosen) => ({
      what: `interrupted; TD ${chosen} keeps what was mapped`,
      hint: `${nextCommand(options, `populate ${chosen}`)} goes on`,
    }),
    next: "destroy --hint",
  });
}
