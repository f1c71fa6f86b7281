/** Files that the user names as input. */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { errnoOf, fileFailure } from "../store/storage.ts";
import { Failure } from "../units/failure.ts";
import { parseJson } from "../units/json.ts";
import { withSignalsThatEnd } from "./signals.ts";

const STDIN = "-";
const STDIN_FD = 0;
const CHUNK_BYTES = 64 * 1024;

/** What the input is called in messages. */
export function inputName(path: string): string {
  return path === STDIN ? "stdin" : path;
}

/**
 * The text of a file, `-` for stdin.
 *
 * @param what what it should hold, for messages: "a platform"
 * @throws Failure `no-input` for a missing file, `io` for one that cannot be read, `data` for one
 *   that is longer than `bytesMax` or no UTF-8; no more than that is read
 */
export function readInput(path: string, what: string, bytesMax: number): string {
  const name = inputName(path);
  try {
    const bytes = withSignalsThatEnd(() =>
      path === STDIN ? drain(STDIN_FD, bytesMax) : readFile(path, bytesMax),
    );
    if (bytes === null) {
      throw new Failure("data", `${name} is too large for ${what} (more than ${bytesMax} bytes)`);
    }
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (errnoOf(error) === "ERR_ENCODING_INVALID_ENCODED_DATA") {
      throw new Failure("data", `${name} is not UTF-8 text`);
    }
    throw inputFailure(error, path);
  }
}

/** An error of reading an input as it is told. */
export function inputFailure(error: unknown, path: string): unknown {
  if (errnoOf(error) !== "ENOENT")
    return fileFailure(error, { verb: "read", path: inputName(path) });
  return new Failure("no-input", `there is no file ${path || '""'} (ENOENT)`, { cause: error });
}

/** Null when the file is longer than `bytesMax`. */
function readFile(path: string, bytesMax: number): Uint8Array | null {
  const fd = openSync(path, "r");
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) return drain(fd, bytesMax);
    return stats.size > bytesMax ? null : readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Reads a pipe or a device, which do not tell their length, to the end. */
function drain(fd: number, bytesMax: number): Uint8Array | null {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    const read = readSome(fd, chunk);
    if (read === 0) return Buffer.concat(chunks);
    total += read;
    if (total > bytesMax) return null;
    chunks.push(chunk.subarray(0, read));
  }
}

function readSome(fd: number, chunk: Buffer): number {
  for (;;) {
    try {
      return readSync(fd, chunk);
    } catch (error) {
      if (errnoOf(error) === "EOF") return 0;
      // A terminal or pipe that another process made non-blocking: wait for its next bytes.
      if (errnoOf(error) !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

/**
 * The JSON value of a file, `-` for stdin.
 *
 * @throws Failure as `readInput`; `data` for what is not JSON
 */
export function readJsonFile(path: string, what: string, bytesMax: number): unknown {
  return parseJson(readInput(path, what, bytesMax), inputName(path));
}
