/** Entry of the command line: the process is touched here and in signals.ts only. */
import { fstatSync, writeSync } from "node:fs";
import { CommandLine } from "./command-line.ts";
import { Console } from "./console.ts";
import { StopSignals } from "./signals.ts";
import { standardStream } from "./standard-stream.ts";

const files = { fstatSync, writeSync };
/** Whether everything printed was taken by the system before the call that printed it returned. */
let printedAtOnce = true;
const stdout = standardStream(1, () => later(process.stdout), files);
const stderr = standardStream(2, () => later(process.stderr), files);
const console = new Console(stdout, stderr, process.env);
const signals = new StopSignals();
const commandLine = new CommandLine({ console, signals });

signals.listen();
process.on("uncaughtException", (error) => {
  process.exit(commandLine.tell(error));
});

function later<Stream>(stream: Stream): Stream {
  printedAtOnce = false;
  return stream;
}

/**
 * Runs a command line and sets the process's exit code. Never rejects.
 *
 * @returns whether the process may end now; else Node still has to hand something to a pipe or a
 * terminal, and ends by itself
 */
export async function main(args: readonly string[]): Promise<boolean> {
  process.exitCode = await commandLine.run(args);
  return printedAtOnce;
}
