import { CommandLine } from "../../src/cli/command-line.ts";
import { Console, type OutputStream } from "../../src/cli/console.ts";
import { StopSignals } from "../../src/cli/signals.ts";

export interface Captured {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line in this process, with nothing in its environment but the store. */
export async function captureCommand(args: readonly string[], store: string): Promise<Captured> {
  const [stdout, stderr] = [new Sink(), new Sink()];
  const environment = { TDX_SIM_STORE: store };
  const console = new Console(stdout.stream, stderr.stream, environment);
  const code = await new CommandLine({ console, signals: new StopSignals() }).run(args);
  return { code, stdout: stdout.text, stderr: stderr.text };
}

class Sink {
  text = "";
  readonly stream = {
    write: (text: string, ...rest: unknown[]): boolean => {
      this.text += text;
      for (const done of rest) if (typeof done === "function") done();
      return true;
    },
    on: () => this.stream,
  } as unknown as OutputStream;
}
