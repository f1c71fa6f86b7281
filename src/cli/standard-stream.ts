import { type Stats, statSync } from "node:fs";
import type { OutputStream } from "./console.ts";

/** The part of node:fs that is used; tests pass another. */
export interface Descriptors {
  readonly fstatSync: (fd: number) => Stats;
  /** Returns how many bytes it took. */
  readonly writeSync: (fd: number, bytes: Uint8Array) => number;
}

const NULL_DEVICE = "/dev/null";

/**
 * stdout or stderr of the process. Node's own streams take 2 ms to load, a tenth of what node
 * itself needs to start; files and pipes are written to as those do it, at once, without them.
 *
 * @param open Node's stream, for a terminal, and for a pipe that takes no more for now
 */
export function standardStream(
  fd: number,
  open: () => OutputStream,
  files: Descriptors,
): OutputStream {
  return mayBeTerminal(fd, files) ? open() : new PlainStream(fd, open, files);
}

function mayBeTerminal(fd: number, files: Descriptors): boolean {
  try {
    const stats = files.fstatSync(fd);
    return stats.isCharacterDevice() && stats.rdev !== statSync(NULL_DEVICE).rdev;
  } catch {
    // There is no such device, or no such descriptor: Node knows what to do.
    return true;
  }
}

class PlainStream implements OutputStream {
  readonly #fd: number;
  readonly #open: () => OutputStream;
  readonly #files: Descriptors;
  readonly #listeners: ((error: Error) => void)[] = [];
  #opened: OutputStream | null = null;

  constructor(fd: number, open: () => OutputStream, files: Descriptors) {
    this.#fd = fd;
    this.#open = open;
    this.#files = files;
  }

  on(_event: "error", listener: (error: Error) => void): void {
    this.#listeners.push(listener);
  }

  write(content: string | Uint8Array, done: (error?: Error | null) => void): void {
    let rest = Buffer.from(content);
    try {
      while (rest.length > 0 && this.#opened === null) {
        rest = rest.subarray(this.#files.writeSync(this.#fd, rest));
      }
    } catch (error) {
      // Whoever shares the pipe may have made it one that does not wait.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") {
        done(error as Error);
        return;
      }
      this.#opened = this.#open();
      for (const listener of this.#listeners) this.#opened.on("error", listener);
    }
    if (this.#opened === null) done();
    else this.#opened.write(rest, done);
  }
}
