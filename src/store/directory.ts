import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { Failure } from "../units/failure.ts";
import { errnoOf, makeDirectories, type Storage, syncDirectory, withPath } from "./storage.ts";

/** Only the owner may look at what was simulated. */
const DIRECTORY_MODE = 0o700;

export interface StoreLocation {
  /** The directory asked for on the command line, if any. */
  readonly option?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The user's home directory; by default the system is asked. */
  readonly home?: () => string;
  /** The working directory that relative paths start from; by default the process's. */
  readonly workingDirectory?: () => string;
}

/** What node puts where a name from the system is not UTF-8: another name than the one meant. */
const NOT_UTF8 = "\ufffd";

/**
 * The absolute path of the store: the option, else `$TDX_SIM_STORE`, else
 * `$XDG_STATE_HOME/tdx-sim`, else `~/.local/state/tdx-sim`.
 *
 * @throws Failure `config` when a relative path has no working directory, there is no home, or
 *   the path is not UTF-8.
 */
export function storeDirectory(location: StoreLocation): string {
  const directory = directoryNamed(location);
  if (!directory.includes(NOT_UTF8)) return directory;
  throw new Failure("config", `the store ${directory} has a name that is not UTF-8`, {
    hint: "give --store a directory whose whole path is",
  });
}

function directoryNamed(location: StoreLocation): string {
  const { environment } = location;
  const named = location.option ?? environment["TDX_SIM_STORE"];
  if (location.option === "" || named?.includes("\0") === true) {
    throw new Failure("usage", "the store's directory has no usable name", {
      hint: "give --store a directory",
    });
  }
  if (named !== undefined && named !== "") return absolute(named, location);
  const state = environment["XDG_STATE_HOME"];
  // XDG Base Directory Specification 0.8: "relative paths [are] invalid and [to be] ignored".
  if (state !== undefined && isAbsolute(state)) return join(state, "tdx-sim");
  return join(home(location), ".local", "state", "tdx-sim");
}

function absolute(path: string, location: StoreLocation): string {
  if (isAbsolute(path)) return resolve(path);
  try {
    return resolve((location.workingDirectory ?? process.cwd)(), path);
  } catch (cause) {
    throw new Failure("config", `the store ${path} is relative to a directory that is gone`, {
      hint: "give --store an absolute path",
      cause,
    });
  }
}

function home(location: StoreLocation): string {
  try {
    const path = (location.home ?? homedir)();
    if (isAbsolute(path)) return path;
  } catch {
    // No entry for this user: told below like an empty home.
  }
  throw new Failure("config", "there is no home directory to keep the store in", {
    hint: "give --store DIR or set TDX_SIM_STORE",
  });
}

/**
 * Makes the store's directory and the missing ones above it, durably, for the owner alone.
 *
 * @throws Failure `cannot-create` or `io` naming the path.
 */
export function createStoreDirectory(files: Storage, directory: string): void {
  const about = { verb: "create the store", path: directory, creates: true };
  withPath(about, () => {
    const first = makeStoreDirectories(files, directory);
    if (first === undefined) return;
    const parents = [dirname(first)];
    for (let path = dirname(directory); path !== parents[0]; path = dirname(path)) {
      parents.push(path);
    }
    for (const parent of parents) syncDirectory(files, parent);
  });
}

/** The first directory that had to be made, or undefined when all were there. */
function makeStoreDirectories(files: Storage, directory: string): string | undefined {
  try {
    return makeDirectories(files, directory, DIRECTORY_MODE);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "EEXIST" || errno === "ENOTDIR") throw notADirectory(directory, errno);
    throw error;
  }
}

/** The store's path names a file, or leads through one. */
export function notADirectory(directory: string, errno: string): Failure {
  return new Failure("config", `the store ${directory} is not a directory (${errno})`, {
    hint: "give --store a directory",
  });
}
