/** Entry of the command line: the process is touched here and in signals.ts only. */
import { fstatSync, writeSync } from "node:fs";
import { CommandLine } from "./command-line.ts";
import { Console } from "./console.ts";
import { StopSignals } from "./signals.ts";
import { standardStream } from "./standard-stream.ts";

const files = { fstatSync, writeSync };
const stdout = standardStream(1, () => process.stdout, files);
const stderr = standardStream(2, () => process.stderr, files);
const console = new Console(stdout, stderr, process.env);
const signals = new StopSignals();
const commandLine = new CommandLine({ console, signals });

signals.listen();
process.on("uncaughtException", (error) => {
  process.exit(commandLine.tell(error));
});

/** Runs a command line and sets the process's exit code. Never rejects. */
export async function main(args: readonly string[]): Promise<void> {
  // The exit code is set, not forced: what was printed to a pipe must still reach its reader.
  process.exitCode = await commandLine.run(args);
}
