/** Keeps the simulated host of one directory between commands. */

import { join } from "node:path";
import { createStoreDirectory } from "./directory.ts";
import {
  commitGeneration,
  GENERATIONS_KEPT,
  generationPath,
  listGenerations,
  pruneGenerations,
  readNames,
  readNewest,
  temporaryFiles,
} from "./generations.ts";
import { acquireLock, type HeldLock, isLockLitter } from "./lock.ts";
import { type Storage, storage, unlinkQuietly } from "./storage.ts";

/** CONTRACT: "a command waits up to 10 s for the lock". */
const LOCK_WAIT_MS = 10_000;

export interface StoreOptions {
  /** Absolute path, see `storeDirectory`. */
  readonly directory: string;
  /** The command at work, for whoever finds the store locked. */
  readonly command: string;
  readonly note?: (text: string) => void;
  readonly lockWaitMs?: number;
  /** Whether the user wants to stop; ends the wait for the lock. */
  readonly shouldStop?: () => boolean;
  readonly files?: Storage;
}

/** What a change of the store ends in. */
export interface Change<T> {
  /** The host to keep: JSON-safe plain data, or null for an empty store. */
  readonly host: unknown;
  readonly value: T;
}

export class Store {
  readonly directory: string;
  readonly #files: Storage;
  readonly #options: StoreOptions;

  constructor(options: StoreOptions) {
    this.directory = options.directory;
    this.#files = options.files ?? storage;
    this.#options = options;
  }

  /**
   * The stored host, or null when there is none. Takes no lock: a generation is complete or not
   * there at all.
   *
   * @throws Failure `data` when the newest generation is damaged, `io` when it cannot be read
   */
  read(): unknown {
    const newest = readNewest(this.#files, this.directory);
    return newest === null ? null : JSON.parse(newest.payload);
  }

  /**
   * Changes the stored host under the lock. When `action` throws, nothing changes; when this
   * returns, the host that it gave is durable. The same host again is not written again.
   *
   * @throws Failure `locked`, `data`, `cannot-create` or `io`, and whatever `action` throws
   */
  update<T>(action: (host: unknown) => Promise<Change<T>>): Promise<T> {
    return this.withLock(async (lock) => {
      const newest = readNewest(this.#files, this.directory);
      const change = await action(newest === null ? null : JSON.parse(newest.payload));
      const payload = JSON.stringify(change.host ?? null);
      if (payload !== (newest?.payload ?? "null")) {
        this.commit(lock, (newest?.number ?? 0) + 1, payload, GENERATIONS_KEPT);
      }
      return change.value;
    });
  }

  /** Empties the store, also a damaged one: no earlier generation is read or kept. */
  reset(): Promise<void> {
    return this.withLock(async (lock) => {
      const newest = listGenerations(this.#files, this.directory)[0];
      if (newest !== undefined) this.commit(lock, newest + 1, "null", 1);
      for (const name of readNames(this.#files, this.directory)) {
        if (isSetAside(name)) unlinkQuietly(this.#files, join(this.directory, name));
      }
    });
  }

  /** Runs `action` holding the lock, in a directory without litter. */
  async withLock<T>(action: (lock: HeldLock) => Promise<T>): Promise<T> {
    const { command, note, lockWaitMs, shouldStop } = this.#options;
    createStoreDirectory(this.#files, this.directory);
    const lock = await acquireLock(this.#files, this.directory, {
      command,
      waitMs: lockWaitMs ?? LOCK_WAIT_MS,
      note: note ?? (() => {}),
      ...(shouldStop === undefined ? {} : { shouldStop }),
    });
    try {
      this.#removeLitter();
      return await action(lock);
    } finally {
      lock.release();
    }
  }

  commit(lock: HeldLock, number: number, payload: string, keep: number): void {
    commitGeneration(this.#files, this.directory, { number, payload }, lock.isHeld);
    pruneGenerations(this.#files, this.directory, keep);
  }

  #removeLitter(): void {
    const isLitter = isLockLitter(this.#files, this.directory);
    const names = readNames(this.#files, this.directory).filter(isLitter);
    for (const name of [...names, ...temporaryFiles(this.#files, this.directory)]) {
      unlinkQuietly(this.#files, join(this.directory, name));
    }
  }
}

/** Where `store repair` leaves a damaged generation. */
export function setAsidePath(directory: string, generation: number): string {
  return `${generationPath(directory, generation)}.damaged`;
}

function isSetAside(name: string): boolean {
  return /^host\.[0-9]+\.json\.damaged$/.test(name);
}
