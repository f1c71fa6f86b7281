import type { Command } from "commander";
import { RECORD_FORMATS } from "../../report/documents/records.ts";
import { storeCheckDocument } from "../../report/documents/store-check.ts";
import { checkStore, repairStore, type StoreCheck, unlockStore } from "../../store/care.ts";
import { Failure } from "../../units/failure.ts";
import { describeCommand } from "../help-text.ts";
import type { Cli, GlobalOptions } from "../invocation.ts";
import { addOutputOptions, type OutputOptions, withOutputs } from "../outputs.ts";
import { openStore } from "../stored-host.ts";

export function define(command: Command, cli: Cli): void {
  describeCommand(command, "Look after the store.", [
    "store check",
    "store repair",
    "store unlock 4f2a90c1b7de",
  ]);
  const check = command.command("check").summary("read every generation kept and judge it");
  describeCommand(check, "Read every generation kept and judge it; exit 65 if one is damaged.", [
    "store check",
  ]);
  addOutputOptions(check, RECORD_FORMATS);
  check.action(() => checkIt(cli, check.optsWithGlobals<GlobalOptions & OutputOptions>()));

  const repair = command.command("repair").summary("restore the last good generation");
  describeCommand(
    repair,
    "Make the last good generation the present state; damaged files are kept under other names.",
    ["store repair"],
  );
  repair.action(() => repairIt(cli, repair.optsWithGlobals<GlobalOptions>()));

  const unlock = command.command("unlock").summary("end a lock by force");
  describeCommand(unlock, "End the lock with this ID, whoever holds it: its work is not stored.", [
    "store unlock 4f2a90c1b7de",
  ]);
  unlock.argument("<id>", "the ID that the message about the lock tells");
  unlock.action((id: string) => unlockIt(cli, id, unlock.optsWithGlobals<GlobalOptions>()));
}

async function checkIt(cli: Cli, options: GlobalOptions & OutputOptions): Promise<void> {
  await withOutputs(cli.console, options, async (outputs) => {
    const check = checkStore(openStore(cli, options, "store check").directory);
    await outputs.deliver(storeCheckDocument(check));
    throwIfDamaged(check);
  });
}

function throwIfDamaged({ generations }: StoreCheck): void {
  const [first, ...others] = generations.filter(({ state }) => state !== "good");
  if (first === undefined) return;
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  throw new Failure("data", `${first.file}: ${first.reason}${more}`, {
    hint:
      first.state === "newer-format"
        ? "use the tdx-sim that wrote it"
        : "tdx-sim store repair restores the last good generation",
  });
}

async function repairIt(cli: Cli, options: GlobalOptions): Promise<void> {
  const store = openStore(cli, options, "store repair");
  if (checkStore(store.directory).generations.length === 0) {
    cli.console.note(`the store ${store.directory} is empty`);
    return;
  }
  const { restored, setAside } = await repairStore(store);
  if (restored === null && setAside.length === 0) cli.console.note("nothing is damaged");
  if (restored !== null) cli.console.note(`restored generation ${restored}`);
  for (const file of setAside) cli.console.note(`kept the damaged file as ${file}`);
}

async function unlockIt(cli: Cli, id: string, options: GlobalOptions): Promise<void> {
  unlockStore(openStore(cli, options, "store unlock").directory, id);
  cli.console.note("the store is unlocked");
}
