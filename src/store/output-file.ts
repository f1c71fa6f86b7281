/**
 * Files that a command writes for its user: found writable before the work, replaced in one step
 * after it.
 *
 * write-file-atomic opens its file only when the content is there, renames over devices and
 * pipes, and takes a short write for a whole one; so this is done here.
 */
import { randomBytes } from "node:crypto";
import { accessSync, constants, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Failure } from "../units/failure.ts";
import {
  closeQuietly,
  errnoOf,
  fileFailure,
  type Storage,
  storage,
  syncDirectory,
  unlinkQuietly,
  withPath,
  writeDurably,
} from "./storage.ts";

export interface OutputFile {
  /**
   * Replaces the file's content; the old content stays until the new one is complete. Pieces are
   * written as they are made, and none is kept.
   */
  write(content: string | Iterable<string>): void;
  /** Leaves everything as it was. */
  discard(): void;
}

/**
 * Makes sure that `path` can be written, before the work whose result it is to hold.
 *
 * @throws Failure `cannot-create` (or `io`) with path and errno; `usage` where `path` is empty
 */
export function openOutputFile(path: string, files: Storage = storage): OutputFile {
  if (path === "") throw new Failure("usage", "the name of the file to write is empty");
  return withPath({ verb: "write to", path, creates: true }, () => {
    const stats = statOf(files, path);
    if (stats === undefined) return replaceable(files, path, 0o666);
    if (stats.isDirectory()) {
      throw new Failure("cannot-create", `cannot write to ${path}: it is a directory (EISDIR)`);
    }
    accessSync(path, constants.W_OK);
    // A device or a pipe is written to, not replaced.
    if (!stats.isFile())
      return { write: (content) => writeInto(files, path, content), discard() {} };
    return replaceable(files, realpathSync(path), Number(stats.mode) & 0o777);
  });
}

function statOf(files: Storage, path: string): ReturnType<typeof files.statSync> {
  try {
    return files.statSync(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function replaceable(files: Storage, path: string, mode: number): OutputFile {
  const directory = dirname(path);
  const suffix = randomBytes(6).toString("hex");
  const temporary = join(directory, `.${basename(path)}.${suffix}.tmp`);
  const fd = files.openSync(temporary, "wx", mode);
  return {
    write(content) {
      try {
        if (typeof content === "string") writeDurably(files, fd, Buffer.from(content, "utf8"));
        else writePieces(files, fd, content);
        files.renameSync(temporary, path);
        syncDirectory(files, directory);
      } catch (error) {
        unlinkQuietly(files, temporary);
        throw fileFailure(error, { verb: "write to", path });
      }
    },
    discard() {
      closeQuietly(files, fd);
      unlinkQuietly(files, temporary);
    },
  };
}

/** Bytes gathered before they are written. */
const PIECE_BYTES = 64 * 1024;

/** Pieces of about `PIECE_BYTES`, whatever the length of what they are made of. */
export function* inPieces(content: Iterable<string>): Generator<string> {
  let piece = "";
  for (const text of content) {
    piece += text;
    if (piece.length < PIECE_BYTES) continue;
    yield piece;
    piece = "";
  }
  if (piece !== "") yield piece;
}

function writePieces(files: Storage, fd: number, content: Iterable<string>): void {
  try {
    for (const piece of inPieces(content)) files.writeFileSync(fd, piece);
  } catch (error) {
    closeQuietly(files, fd);
    throw error;
  }
  writeDurably(files, fd, Buffer.alloc(0));
}

function writeInto(files: Storage, path: string, content: string | Iterable<string>): void {
  withPath({ verb: "write to", path }, () => {
    if (typeof content === "string") files.writeFileSync(path, content);
    else writePieces(files, files.openSync(path, "a"), content);
  });
}
