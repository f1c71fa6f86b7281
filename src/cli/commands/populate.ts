import { type Command, Option } from "commander";
import { populateTd } from "../../lab/lifecycle.ts";
import { parseSize } from "../../units/size.ts";
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
import { addOutputOptions, type OutputOptions } from "../outputs.ts";
import { RECORD_FORMATS } from "../records.ts";
import { requireHost } from "../stored-host.ts";
import { tdDocument } from "../td-document.ts";
import { named } from "../td-options.ts";
import { chooseStored } from "../td-target.ts";

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
  command.argument("[name]", "name of the TD (default: the one live TD in the store)");
  const size = new Option("--populated <size>", "memory mapped afterwards (default: as created)");
  command.addOption(size.argParser(named("--populated <size>", parseSize)));
  command.option("--no-finalize", "leave the TD unfinalized: only its initial image is added");
  addRunOptions(command);
  addOutputOptions(command, RECORD_FORMATS);
  command.action((name?: string) => populate(cli, name, command.optsWithGlobals<Options>()));
}

async function populate(cli: Cli, name: string | undefined, options: Options): Promise<void> {
  await runSession(cli, options, async (session, outputs) => {
    const store = openStore(cli, options, "populate");
    const chosen = chooseStored(name, storedTds(store));
    const request = {
      finalize: options.finalize,
      ...(options.populated === undefined ? {} : { bytes: options.populated }),
    };
    const report = await changeHost(
      cli,
      store,
      (stored) => requireHost(stored, chosen),
      (host) => populateTd(host, chosen, request, session),
      {
        what: `interrupted; TD ${chosen} keeps what was mapped`,
        hint: `${nextCommand(options, `populate ${chosen}`)} goes on`,
      },
    );
    await outputs.deliver(tdDocument(report));
    cli.console.note(`next: ${nextCommand(options, `destroy --hint ${report.name}`)}`);
  });
}
