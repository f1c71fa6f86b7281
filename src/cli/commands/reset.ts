import { createInterface } from "node:readline";
import type { Command } from "commander";
import { escapeControls } from "../../report/control-characters.ts";
import type { Store } from "../../store/store.ts";
import { Failure } from "../../units/failure.ts";
import { describeCommand } from "../help-text.ts";
import type { Cli, GlobalOptions } from "../invocation.ts";
import { Interrupted, type StopSignal } from "../signals.ts";
import { openStore } from "../stored-host.ts";

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
  if (options.yes !== true && !(await confirm(cli, store.directory))) {
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

async function confirm(cli: Cli, directory: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new Failure("usage", "reset asks before it empties the store, and here is no terminal", {
      hint: "tdx-sim reset --yes asks nothing",
    });
  }
  const answer = await ask(
    cli,
    `Remove every TD of the store ${escapeControls(directory)}? [y/N] `,
  );
  return /^y(es)?$/i.test(answer.trim());
}

/** The user's line; empty when the input ends. */
function ask({ signals }: Cli, question: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const dialogue = createInterface({ input: process.stdin, output: process.stderr });
    const stop = (signal: StopSignal): void => {
      reject(new Interrupted(signal, "interrupted; nothing was removed"));
      dialogue.close();
    };
    const forget = signals.onStop(stop);
    // On a terminal readline takes Ctrl-C for itself.
    dialogue.on("SIGINT", () => stop("SIGINT"));
    dialogue.on("close", () => {
      forget();
      resolve("");
    });
    dialogue.question(question, (answer) => {
      resolve(answer);
      dialogue.close();
    });
  });
}
