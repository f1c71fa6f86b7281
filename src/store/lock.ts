/**
 * The store's lock: a file `lock` that names its holder.
 *
 * A holder is succeeded, never overwritten: whoever creates `lock.after.ID` has ended the lock
 * with that ID, and nobody else can. The last of the chain `lock`, `lock.after.A`,
 * `lock.after.B` ... holds it. Taking over from a dead process, releasing and unlocking by force
 * are that one step, so two processes that find the same dead holder cannot both win, and one
 * that looked long ago cannot remove a lock taken since. Release removes `lock` first: a chain
 * without its head means nothing, and IDs are never used twice.
 *
 * Files appear with their content in one step (link), so a process killed at any point leaves no
 * lock without a name.
 */
import { constants } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "../units/failure.ts";
import { type Holder, liveness, newHolder, parseHolder } from "./holder.ts";
import { errnoOf, lacksHardLinks, type Storage, unlinkQuietly, withPath } from "./storage.ts";

const FILE_MODE = 0o600;
const POLL_MS = 20;
/** Stands for the ID of a lock whose holder cannot be read. */
const UNREADABLE = "unreadable";

export interface LockRequest {
  /** The command that asks, for the holder's record. */
  readonly command: string;
  readonly waitMs: number;
  /** Told when the lock of a process that no longer runs was taken over. */
  readonly note: (text: string) => void;
  /** Asked while waiting; a wait that is no longer wanted ends with `locked`. */
  readonly shouldStop?: () => boolean;
}

export interface HeldLock {
  readonly id: string;
  /** False once somebody has ended this lock by force. */
  isHeld(): boolean;
  /** Gives the lock up; does nothing when it was ended by force. */
  release(): void;
}

/** A link of the chain: who holds it, or null when the file cannot be understood. */
interface Link {
  readonly id: string;
  readonly holder: Holder | null;
  /** True for a file that a crash of the machine left without its content. */
  readonly empty: boolean;
}

/**
 * Takes the lock of the store in `directory`, which must exist.
 *
 * @throws Failure `locked` after `waitMs`, naming the holder and how to unlock.
 */
export async function acquireLock(
  files: Storage,
  directory: string,
  request: LockRequest,
): Promise<HeldLock> {
  const deadline = performance.now() + request.waitMs;
  for (;;) {
    const chain = readChain(files, directory);
    const last = chain.at(-1);
    if (last === undefined) {
      const id = claim(files, directory, "lock", request.command);
      if (id !== undefined) return held(files, directory, id, request.command);
    } else if (isDead(last)) {
      const id = succeed(files, directory, last.id, request.command);
      if (id !== undefined) {
        request.note(`took over the store's lock from ${describe(last)}, which no longer runs`);
        return held(files, directory, id, request.command);
      }
    }
    const stop = request.shouldStop?.() === true;
    if (stop || performance.now() >= deadline) throw lockedFailure(directory, last);
    await sleep(POLL_MS);
  }
}

/** Who holds the lock now: `null` when nobody does. Changes nothing. */
export function lockHolder(
  files: Storage,
  directory: string,
): { id: string; holder: Holder | null; alive: boolean } | null {
  const last = readChain(files, directory).at(-1);
  if (last === undefined) return null;
  return { id: last.id, holder: last.holder, alive: !isDead(last) };
}

/**
 * Ends the lock with this ID by force, whoever holds it. Its holder can no longer write.
 *
 * @throws Failure `no-input` when the lock is free, `usage` when it has another ID.
 */
export function breakLock(files: Storage, directory: string, id: string): void {
  const last = readChain(files, directory).at(-1);
  if (last === undefined) {
    throw new Failure("no-input", `the store ${directory} is not locked`);
  }
  if (last.id !== id || succeed(files, directory, id, "store unlock") === undefined) {
    const now = readChain(files, directory).at(-1);
    const hint = now && `now it is held by ${describe(now)}`;
    throw new Failure("usage", `the store's lock does not have the ID ${id}`, { hint });
  }
  removeChain(files, directory);
}

/** Whether a file of the store's directory is part of a lock that ended. */
export function isLockLitter(files: Storage, directory: string): (name: string) => boolean {
  const live = new Set(readChain(files, directory).map((link) => after(link.id)));
  return (name) => name.startsWith("lock.after.") && !live.has(name);
}

function held(files: Storage, directory: string, id: string, command: string): HeldLock {
  return {
    id,
    isHeld: () => readChain(files, directory).at(-1)?.id === id,
    release: () => {
      try {
        const ended = succeed(files, directory, id, command);
        if (ended !== undefined) removeChain(files, directory);
      } catch {
        // What was written is safe; this lock is taken over once the process has ended.
      }
    },
  };
}

/** Creates `name` as a lock file of this process; undefined when it exists already. */
function claim(
  files: Storage,
  directory: string,
  name: string,
  command: string,
): string | undefined {
  const holder = newHolder(command);
  const path = join(directory, name);
  const temporary = join(directory, `lock.${holder.id}.tmp`);
  return withPath({ verb: "lock the store with", path, creates: true }, () => {
    try {
      files.writeFileSync(temporary, `${JSON.stringify(holder)}\n`, {
        flag: "wx",
        mode: FILE_MODE,
      });
      linkOrCopy(files, temporary, path);
      return holder.id;
    } catch (error) {
      // ENOENT: a writer cleaned up our temporary file while we were between two steps.
      const errno = errnoOf(error);
      if (errno === "EEXIST" || errno === "ENOENT") return undefined;
      throw error;
    } finally {
      unlinkQuietly(files, temporary);
    }
  });
}

function linkOrCopy(files: Storage, from: string, to: string): void {
  try {
    files.linkSync(from, to);
  } catch (error) {
    if (!lacksHardLinks(error)) throw error;
    files.copyFileSync(from, to, constants.COPYFILE_EXCL);
  }
}

/** Ends the lock `id` and holds it instead; undefined when somebody else was faster. */
function succeed(
  files: Storage,
  directory: string,
  id: string,
  command: string,
): string | undefined {
  const mine = claim(files, directory, after(id), command);
  if (mine === undefined) return undefined;
  if (readChain(files, directory).at(-1)?.id === mine) return mine;
  // The chain that was read has ended since: this claim hangs on nothing.
  unlinkQuietly(files, join(directory, after(id)));
  return undefined;
}

function readChain(files: Storage, directory: string): Link[] {
  const chain: Link[] = [];
  const seen = new Set<string>();
  let link = readLink(files, directory, "lock");
  // Only files made by hand can name an ID twice.
  while (link !== undefined && !seen.has(link.id)) {
    chain.push(link);
    seen.add(link.id);
    link = readLink(files, directory, after(link.id));
  }
  return chain;
}

function readLink(files: Storage, directory: string, name: string): Link | undefined {
  const path = join(directory, name);
  const text = withPath({ verb: "read the lock", path }, () => {
    try {
      return files.readFileSync(path, "utf8");
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return undefined;
      throw error;
    }
  });
  if (text === undefined) return undefined;
  const holder = parseHolder(text);
  if (holder !== undefined) return { id: holder.id, holder, empty: false };
  return { id: UNREADABLE, holder: null, empty: /^\0*$/.test(text) };
}

function removeChain(files: Storage, directory: string): void {
  const chain = readChain(files, directory);
  files.unlinkSync(join(directory, "lock"));
  for (const link of chain) unlinkQuietly(files, join(directory, after(link.id)));
}

/**
 * An empty lock file has no living holder: link makes it appear with its content, so only a
 * machine that lost power before the content reached the disk can show it.
 */
function isDead(link: Link): boolean {
  return link.holder === null ? link.empty : liveness(link.holder) === "dead";
}

function after(id: string): string {
  return `lock.after.${id}`;
}

function describe(link: Link): string {
  const { holder } = link;
  if (holder === null) return `an unreadable lock file (ID ${link.id})`;
  const { command, pid, host, since } = holder;
  return `"${command}" (ID ${link.id}, process ${pid} on ${host}, since ${since})`;
}

function lockedFailure(directory: string, last: Link | undefined): Failure {
  const who = last === undefined ? "" : ` by ${describe(last)}`;
  const unlock = last === undefined ? "" : `; if that hangs: tdx-sim store unlock ${last.id}`;
  return new Failure("locked", `the store ${directory} is locked${who}`, {
    hint: `try again${unlock}`,
  });
}
