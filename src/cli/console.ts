import { escapeControls } from "../report/control-characters.ts";
import { Failure } from "../units/failure.ts";
import { type ColourOption, wantsColour } from "./colour.ts";

/** Layout width where there is no terminal to ask. */
const DEFAULT_WIDTH = 80;

export type Environment = Readonly<Record<string, string | undefined>>;

/** The part of a process's stdout or stderr that is used. */
export interface OutputStream {
  write(content: string | Uint8Array, done: (error?: Error | null) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Options of every command that say how it talks. */
export interface TalkOptions {
  readonly color?: ColourOption;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

/** Data on stdout, everything else on stderr. */
export class Console {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly environment: Environment;
  #talk: TalkOptions = {};
  #readerGone = false;

  constructor(stdout: OutputStream, stderr: OutputStream, environment: Environment) {
    this.stdout = stdout;
    this.stderr = stderr;
    this.environment = environment;
    // The write callbacks tell of errors; without a listener they would end the process as well.
    stdout.on("error", () => {});
    stderr.on("error", () => {});
  }

  /** Takes over what the command line says, once it is read. */
  configure(talk: TalkOptions): void {
    this.#talk = talk;
  }

  /** True once whoever read stdout has closed it: there is no point in printing more. */
  get readerGone(): boolean {
    return this.#readerGone;
  }

  get quiet(): boolean {
    return this.#talk.quiet === true;
  }

  /** Columns to lay out for on stdout. */
  get width(): number {
    // A terminal that does not know its size says 0.
    return (this.stdout.isTTY === true && this.stdout.columns) || DEFAULT_WIDTH;
  }

  /** Whether data on stdout may carry colour. */
  get colour(): boolean {
    return wantsColour({
      option: this.#talk.color ?? "auto",
      environment: this.environment,
      isTerminal: this.stdout.isTTY === true,
    });
  }

  /**
   * Writes data to stdout and waits until it is taken.
   *
   * @throws Failure `io` when it cannot be written, unless the reader has gone
   */
  async print(text: string): Promise<void> {
    if (this.#readerGone || text === "") return;
    const error = await writeAll(this.stdout, text);
    if (error === undefined) return;
    if (error.code === "EPIPE") {
      this.#readerGone = true;
      return;
    }
    throw new Failure("io", `cannot write to standard output: ${error.code ?? error.message}`, {
      cause: error,
    });
  }

  /** One line for the user on stderr, unless `--quiet`. */
  note(text: string): void {
    if (!this.quiet) this.complain(text);
  }

  /** One line on stderr with `--verbose`: what was decided on the way to the data. */
  detail(text: string): void {
    if (this.#talk.verbose === true) this.note(text);
  }

  /** One line on stderr that `--quiet` does not hide. */
  complain(text: string): void {
    // Nobody is left to tell when stderr cannot be written.
    this.stderr.write(`${escapeControls(text)}\n`, () => {});
  }
}

function writeAll(stream: OutputStream, text: string): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    stream.write(text, (error) => resolve(error ?? undefined));
  });
}
