/**
 * The generations of a store: `host.<n>.json`, the highest number being the present state.
 *
 * A new one is written beside the others, made durable and then given its name with link, which
 * fails when the name exists: a writer whose lock was broken while it slept cannot replace what
 * another wrote since.
 */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { join } from "node:path";
import { Failure } from "../units/failure.ts";
import { notADirectory } from "./directory.ts";
import { type Decoded, decodeGeneration, encodeGeneration } from "./envelope.ts";
import {
  closeQuietly,
  errnoOf,
  fileFailure,
  lacksHardLinks,
  type Storage,
  syncDirectory,
  unlinkQuietly,
  withPath,
  writeDurably,
} from "./storage.ts";

/** How many generations stay on disk for `store repair`. */
export const GENERATIONS_KEPT = 3;

const FILE_MODE = 0o600;
const GENERATION_FILE = /^host\.([1-9][0-9]{0,14})\.json$/;
const TEMPORARY_FILE = /^(?:host\.[0-9]+\.json|lock)\.[0-9a-f]+\.tmp$/;
/** Enough for any reader: between two looks it would take three complete commands to miss one. */
const READ_ATTEMPTS = 100;

/** Generation numbers in the directory, newest first; empty when there is no directory. */
export function listGenerations(files: Storage, directory: string): number[] {
  return readNames(files, directory)
    .map((name) => Number(GENERATION_FILE.exec(name)?.[1] ?? Number.NaN))
    .filter((generation) => !Number.isNaN(generation))
    .sort((left, right) => right - left);
}

export function generationPath(directory: string, generation: number): string {
  return join(directory, `host.${generation}.json`);
}

/**
 * Reads and judges one generation; undefined when its file does not exist.
 *
 * @throws Failure `io` when it cannot be read.
 */
export function readGeneration(
  files: Storage,
  directory: string,
  generation: number,
): Decoded | undefined {
  const path = generationPath(directory, generation);
  try {
    return decodeGeneration(generation, readPlainFile(files, path));
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT") return undefined;
    if (errno === "ELOOP") return { state: "damaged", reason: "it is a symbolic link" };
    throw fileFailure(error, { verb: "read the store", path });
  }
}

/** A generation whose checksum holds. */
export interface Generation {
  readonly number: number;
  /** One JSON value. */
  readonly payload: string;
}

/**
 * The present state, or null when nothing was ever stored. An older generation is never taken
 * for a damaged newer one.
 *
 * @throws Failure `data` naming the file when it is damaged or of a newer format.
 */
export function readNewest(files: Storage, directory: string): Generation | null {
  for (let attempt = 0; attempt < READ_ATTEMPTS; attempt += 1) {
    const newest = listGenerations(files, directory)[0];
    if (newest === undefined) return null;
    const decoded = readGeneration(files, directory, newest);
    // Gone between the two looks: writers have moved on, and so does this reader.
    if (decoded === undefined) continue;
    if (decoded.state === "good") return { number: newest, payload: decoded.payload };
    throw unusable(generationPath(directory, newest), decoded);
  }
  throw new Failure("io", `the store ${directory} changes faster than it can be read`);
}

/** The Failure for a file that must not be used. */
function unusable(path: string, decoded: Exclude<Decoded, { state: "good" }>): Failure {
  if (decoded.state === "newer-format") {
    return new Failure("data", `the store file ${path} has the newer format ${decoded.format}`, {
      hint: "use the tdx-sim that wrote it, or another --store",
    });
  }
  return new Failure("data", `the store file ${path} is damaged: ${decoded.reason}`, {
    hint: "tdx-sim store check shows what is left, tdx-sim store repair restores it",
  });
}

/**
 * Makes `payload` generation number `generation`, durably: when this returns, it survives a power
 * loss; when it throws, the generations are what they were.
 *
 * @param isHeld whether the caller's lock still stands, asked last before the file is named
 * @throws Failure `locked` when it does not, `io` or `cannot-create` with path and errno
 */
export function commitGeneration(
  files: Storage,
  directory: string,
  { number, payload }: Generation,
  isHeld: () => boolean,
): void {
  const target = generationPath(directory, number);
  const temporary = `${target}.${randomBytes(6).toString("hex")}.tmp`;
  const about = { verb: "write the store file", path: target, creates: true };
  try {
    withPath(about, () => {
      const fd = files.openSync(temporary, "wx", FILE_MODE);
      writeDurably(files, fd, encodeGeneration(number, payload));
    });
    if (!isHeld()) throw lockLost(directory);
    publish(files, directory, temporary, number);
  } finally {
    unlinkQuietly(files, temporary);
  }
}

function publish(files: Storage, directory: string, temporary: string, number: number): void {
  const target = generationPath(directory, number);
  try {
    nameIt(files, temporary, target);
  } catch (error) {
    if (errnoOf(error) === "EEXIST") throw lockLost(directory);
    throw fileFailure(error, { verb: "write the store file", path: target, creates: true });
  }
  try {
    syncDirectory(files, directory);
    if (listGenerations(files, directory)[0] !== number) throw lockLost(directory);
  } catch (error) {
    unlinkQuietly(files, target);
    throw fileFailure(error, { verb: "write the store file", path: target });
  }
}

function nameIt(files: Storage, temporary: string, target: string): void {
  try {
    files.linkSync(temporary, target);
  } catch (error) {
    if (!lacksHardLinks(error)) throw error;
    // Without hard links the lock alone keeps two writers apart.
    files.renameSync(temporary, target);
  }
}

function lockLost(directory: string): Failure {
  return new Failure("locked", `the lock of the store ${directory} was ended by force`, {
    hint: "nothing was stored; give the command again",
  });
}

/** Removes generations beyond those kept. What cannot be removed now is left for the next. */
export function pruneGenerations(files: Storage, directory: string, keep: number): void {
  try {
    for (const generation of listGenerations(files, directory).slice(keep)) {
      unlinkQuietly(files, generationPath(directory, generation));
    }
  } catch {
    // The new generation is durable: a directory that cannot be listed now is no failure of that.
  }
}

/** Names of temporary files, which only a writer that was killed leaves behind. */
export function temporaryFiles(files: Storage, directory: string): string[] {
  return readNames(files, directory).filter((name) => TEMPORARY_FILE.test(name));
}

export function readNames(files: Storage, directory: string): string[] {
  try {
    return files.readdirSync(directory);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT") return [];
    if (errno === "ENOTDIR") throw notADirectory(directory, errno);
    throw fileFailure(error, { verb: "read the store", path: directory });
  }
}

/** Reads a regular file; a link or a pipe in its place is not followed and not waited for. */
function readPlainFile(files: Storage, path: string): Uint8Array {
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  const fd = files.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    // Decoding fails on what a pipe, a device or a directory reads as; none is read here.
    return files.fstatSync(fd).isFile() ? files.readFileSync(fd) : new Uint8Array();
  } finally {
    closeQuietly(files, fd);
  }
}
