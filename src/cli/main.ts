/** Entry of the command line: the process is touched here and in signals.ts only. */
import { Failure } from "../units/failure.ts";
import { Console } from "./console.ts";
import { EXIT_DONE } from "./exit-codes.ts";
import { reportFailure, stacks } from "./failure-report.ts";
import { buildProgram } from "./program.ts";
import { Interrupted, StopSignals } from "./signals.ts";

const console = new Console(process.stdout, process.stderr, process.env);
const signals = new StopSignals();
let commandAtWork = "";

/** Tells an error in the documented form and gives its exit code. */
function tell(thrown: unknown): number {
  const error = asInterruption(thrown);
  const { exitCode, problem, hint } = reportFailure(error, commandAtWork);
  if (problem !== "") console.complain(`tdx-sim: ${problem}`);
  if (hint !== undefined) console.complain(`hint: ${hint}`);
  if (exitCode !== EXIT_DONE && process.env["TDX_SIM_DEBUG"] === "1") {
    for (const line of stacks(error).split("\n")) console.complain(line);
  }
  return exitCode;
}

/** A wait for the store's lock that the user ended is no locked store. */
function asInterruption(error: unknown): unknown {
  const { received } = signals;
  const waited = error instanceof Failure && error.kind === "locked";
  if (received === null || !waited) return error;
  return new Interrupted(received, "interrupted while waiting for the store's lock");
}

async function main(args: readonly string[]): Promise<number> {
  signals.listen();
  const cli = { console, signals };
  const program = buildProgram(cli, {
    onCommand: (name) => {
      commandAtWork = name;
    },
  });
  try {
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync(args, { from: "user" });
    return EXIT_DONE;
  } catch (error) {
    return tell(error);
  }
}

process.on("uncaughtException", (error) => {
  process.exit(tell(error));
});

// The exit code is set, not forced: what was printed to a pipe must still reach its reader.
void main(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
});
