import { CommandLine } from "../../src/cli/command-line.ts";
import { Console, type OutputStream } from "../../src/cli/console.ts";
import { type StopSignal, StopSignals } from "../../src/cli/signals.ts";
import type { CliResult } from "./cli.ts";

const PATIENCE_MS = 100;

export interface InProcessResult extends CliResult {
  readonly code: number;
  /** Processor or wall-clock time, whichever is less: the other holds what others do. */
  readonly elapsedMs: number;
}

/** A user who presses Ctrl-C when a command takes long. */
export class Impatience extends StopSignals {
  readonly #until: number;

  constructor(patienceMs = PATIENCE_MS) {
    super();
    this.#until = performance.now() + patienceMs;
  }

  override get received(): StopSignal | null {
    return performance.now() > this.#until ? "SIGINT" : null;
  }

  override readonly shouldStop = (): boolean => this.received !== null;
}

/** As `runInProcess`, with nothing in the environment but the store, for as long as it takes. */
export function runOnStore(args: readonly string[], store: string): Promise<InProcessResult> {
  return runInProcess(args, { TDX_SIM_STORE: store }, new StopSignals());
}

/**
 * Runs the command line in this process: a thousand times as often as by starting programs. Work
 * that takes long is interrupted (exit code 130). Stdin is not replaced: arguments with `-` for a
 * file would read the tester's.
 *
 * @param environment all of it
 * @param signals who interrupts it, and when
 * @param callsPerTurn SEAMCALLs between two looks at the signals
 */
export async function runInProcess(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  signals: StopSignals = new Impatience(),
  callsPerTurn?: number,
): Promise<InProcessResult> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const console = new Console(collector(stdout), collector(stderr), environment);
  const from = performance.now();
  const cpuFrom = process.cpuUsage();
  const code = await new CommandLine({ console, signals, callsPerTurn }).run(args);
  const cpu = process.cpuUsage(cpuFrom);
  return {
    code,
    signal: null,
    stdout: stdout.join(""),
    stderr: stderr.join(""),
    elapsedMs: Math.min(performance.now() - from, (cpu.user + cpu.system) / 1000),
  };
}

function collector(pieces: string[]): OutputStream {
  const stream = {
    write(text: string, done?: (error?: Error) => void): boolean {
      pieces.push(text);
      done?.();
      return true;
    },
    on: () => stream,
  };
  return stream as unknown as OutputStream;
}
