import {
  closeSync,
  copyFileSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { Failure, type FailureKind } from "../units/failure.ts";

/**
 * The file operations that the store is made of. Passing another object than `storage` is how
 * tests fail the n-th operation or cut the power between two of them.
 */
export type Storage = typeof storage;

export const storage = {
  closeSync,
  copyFileSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
};

/** Directory entries on Windows are not opened as files; NTFS journals them itself. */
const CAN_SYNC_DIRECTORIES = process.platform !== "win32";

/** What a file system without hard links answers (link(2)). */
const NO_LINKS = new Set(["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"]);

/** Names that cannot be made or entered: the path, not the device, is the trouble. */
const CANNOT_CREATE = new Set([
  "EACCES",
  "EEXIST",
  "EINVAL",
  "EISDIR",
  "ELOOP",
  "ENAMETOOLONG",
  "ENOENT",
  "ENOTDIR",
  "EPERM",
  "EROFS",
]);

/** The `errno` name of a system error, or undefined when it is none. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** Whether `error` says that the file system has no hard links at all. */
export function lacksHardLinks(error: unknown): boolean {
  return NO_LINKS.has(errnoOf(error) ?? "");
}

/** What a failed file operation was about. */
export interface FileOperation {
  /** Verb phrase for the message, for example `read` or `write to`. */
  readonly verb: string;
  readonly path: string;
  /** Whether something was about to be made there: then a bad path exits 73, not 74. */
  readonly creates?: boolean;
  readonly hint?: string;
}

/** Turns a system error into a Failure that names path and errno; anything else is passed on. */
export function fileFailure(error: unknown, operation: FileOperation): unknown {
  const code = errnoOf(error);
  if (code === undefined) return error;
  // Node refuses a path with a NUL before the system sees it.
  const errno = code === "ERR_INVALID_ARG_VALUE" ? "EINVAL" : code;
  const meaning = /^[A-Z0-9]+: ([^,]+)/.exec((error as Error).message)?.[1];
  const creates = operation.creates === true && CANNOT_CREATE.has(errno);
  const kind: FailureKind = creates ? "cannot-create" : "io";
  const text = meaning === undefined ? errno : `${meaning} (${errno})`;
  const path = operation.path || '""';
  return new Failure(kind, `cannot ${operation.verb} ${path}: ${text}`, {
    hint: operation.hint,
    cause: error,
  });
}

/** Runs `operation` and tells its system errors as a Failure. */
export function withPath<T>(about: FileOperation, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    throw fileFailure(error, about);
  }
}

/** Makes renames, links and removals in `directory` survive a power loss. */
export function syncDirectory(files: Storage, directory: string): void {
  if (!CAN_SYNC_DIRECTORIES) return;
  const fd = files.openSync(directory, "r");
  try {
    files.fsyncSync(fd);
  } finally {
    files.closeSync(fd);
  }
}

/**
 * Makes a directory and the missing ones above it, one at a time: Node's `recursive` never returns
 * where a file system answers ENOENT below a directory that is there, as /proc does.
 *
 * @returns the first one that had to be made, or undefined when all were there.
 * @throws the system error; EEXIST or ENOTDIR when a file stands in the way.
 */
export function makeDirectories(
  files: Pick<Storage, "mkdirSync" | "statSync">,
  directory: string,
  mode?: number,
): string | undefined {
  let first: string | undefined;
  for (const isLast of [false, true]) {
    try {
      files.mkdirSync(directory, mode);
      return first ?? directory;
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") {
        if (files.statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return first;
        throw error;
      }
      if (isLast || dirname(directory) === directory) throw error;
    }
    first = makeDirectories(files, dirname(directory), mode);
  }
  return first;
}

/** Writes all of `bytes` to the open file, makes them durable and closes it, also on failure. */
export function writeDurably(files: Storage, fd: number, bytes: Uint8Array): void {
  try {
    files.writeFileSync(fd, bytes);
    files.fsyncSync(fd);
  } catch (error) {
    // The first error is the one to tell: a file that could not be written need not close well.
    closeQuietly(files, fd);
    throw error;
  }
  files.closeSync(fd);
}

export function closeQuietly(files: Storage, fd: number): void {
  try {
    files.closeSync(fd);
  } catch {
    // The caller is already failing for a better reason.
  }
}

/** Removes a file that may be gone already and whose presence harms nobody. */
export function unlinkQuietly(files: Storage, path: string): void {
  try {
    files.unlinkSync(path);
  } catch {
    // Litter: the next writer tries again.
  }
}
