import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import type { Store } from "../../store/store.ts";
import { Failure } from "../../units/failure.ts";
import { describeCommand } from "../help-text.ts";
import { type Cli, type GlobalOptions, openStore } from "../invocation.ts";

interface Options extends GlobalOptions {
  readonly yes?: boolean;
}

export function define(command: Command, cli: Cli): void {
  describeCommand(
    command,
    "Empty the store: every TD is forgotten, damaged files included. Asks first.",
    ["reset", "reset --yes"],
  );
  command.option("-y, --yes", "do not ask");
  command.action(() => reset(cli, command.optsWithGlobals<Options>()));
}

async function reset(cli: Cli, options: Options): Promise<void> {
  const store = openStore(cli, options, "reset");
  if (isEmpty(store)) {
    cli.console.note(`the store ${store.directory} is empty`);
    return;
  }
  if (options.yes !== true && !(await confirm(store.directory))) {
    cli.console.note("nothing was removed");
    return;
  }
  await store.reset();
  cli.console.note(`the store ${store.directory} is empty now`);
}

/** A store that cannot be read is not empty: emptying it is what reset is for. */
function isEmpty(store: Store): boolean {
  try {
    return store.read() === null;
  } catch (error) {
    if (error instanceof Failure && error.kind === "data") return false;
    throw error;
  }
}

async function confirm(directory: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new Failure("usage", "reset asks before it empties the store, and here is no terminal", {
      hint: "tdx-sim reset --yes asks nothing",
    });
  }
  const dialogue = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await dialogue.question(`Remove every TD of the store ${directory}? [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    dialogue.close();
  }
}
