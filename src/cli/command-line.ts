/** One run of the command line: arguments in, text on the console and an exit code out. */
import { Failure } from "../units/failure.ts";
import { EXIT_DONE } from "./exit-codes.ts";
import { reportFailure, stacks } from "./failure-report.ts";
import type { Cli } from "./invocation.ts";
import { buildProgram } from "./program.ts";
import { Interrupted } from "./signals.ts";

export class CommandLine {
  readonly #cli: Cli;
  #commandAtWork = "";

  constructor(cli: Cli) {
    this.#cli = cli;
  }

  /**
   * Runs the command that `args` name.
   *
   * @returns the exit code; whatever was thrown has been told on stderr
   */
  async run(args: readonly string[]): Promise<number> {
    const program = buildProgram(this.#cli, {
      onCommand: (name) => {
        this.#commandAtWork = name;
      },
    });
    try {
      if (args.length === 0) program.outputHelp();
      else await program.parseAsync(args, { from: "user" });
      return EXIT_DONE;
    } catch (error) {
      return this.tell(error);
    }
  }

  /** Tells an error in the documented form and gives its exit code. */
  tell(thrown: unknown): number {
    const { console } = this.#cli;
    const error = this.#asInterruption(thrown);
    const { exitCode, problem, hint } = reportFailure(error, this.#commandAtWork);
    if (problem !== "") console.complain(`tdx-sim: ${problem}`);
    if (hint !== undefined) console.complain(`hint: ${hint}`);
    if (exitCode !== EXIT_DONE && console.environment["TDX_SIM_DEBUG"] === "1") {
      for (const line of stacks(error).split("\n")) console.complain(line);
    }
    return exitCode;
  }

  /** A wait for the store's lock that the user ended is no locked store. */
  #asInterruption(error: unknown): unknown {
    const { received } = this.#cli.signals;
    const waited = error instanceof Failure && error.kind === "locked";
    if (received === null || !waited) return error;
    return new Interrupted(received, "interrupted while waiting for the store's lock");
  }
}
