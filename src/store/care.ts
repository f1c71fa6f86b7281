/** Looking after a store: what is in it, whether it is whole, and what can be restored. */
import { Failure } from "../units/failure.ts";
import {
  GENERATIONS_KEPT,
  generationPath,
  listGenerations,
  readGeneration,
  temporaryFiles,
} from "./generations.ts";
import type { Holder } from "./holder.ts";
import { breakLock, lockHolder } from "./lock.ts";
import { type Storage, storage, syncDirectory, withPath } from "./storage.ts";
import { type Store, setAsidePath } from "./store.ts";

export interface CheckedGeneration {
  readonly generation: number;
  readonly file: string;
  readonly state: "good" | "damaged" | "newer-format";
  /** Why it is not good; empty when it is. */
  readonly reason: string;
}

export interface StoreCheck {
  readonly directory: string;
  /** Newest first. */
  readonly generations: readonly CheckedGeneration[];
  readonly temporaryFiles: number;
  readonly lock: {
    readonly id: string;
    readonly holder: Holder | null;
    readonly alive: boolean;
  } | null;
}

/** Reads every generation kept. Changes nothing and takes no lock. */
export function checkStore(directory: string, files: Storage = storage): StoreCheck {
  const generations = listGenerations(files, directory).flatMap((generation) => {
    const decoded = readGeneration(files, directory, generation);
    if (decoded === undefined) return [];
    const file = generationPath(directory, generation);
    const reason =
      decoded.state === "damaged"
        ? decoded.reason
        : decoded.state === "newer-format"
          ? `its format is ${decoded.format}`
          : "";
    return [{ generation, file, state: decoded.state, reason }];
  });
  const litter = temporaryFiles(files, directory).length;
  return { directory, generations, temporaryFiles: litter, lock: lockHolder(files, directory) };
}

export interface StoreRepair {
  /** The generation whose content is the present state again; null when nothing was wrong. */
  readonly restored: number | null;
  /** Damaged generations, now under other names. */
  readonly setAside: readonly string[];
}

/**
 * Makes the newest good generation the present state again and sets damaged ones aside. Nothing
 * is deleted.
 *
 * @throws Failure `data` when no generation is good or one has a newer format
 */
export function repairStore(store: Store, files: Storage = storage): Promise<StoreRepair> {
  const { directory } = store;
  return store.withLock(async (lock) => {
    const { generations } = checkStore(directory, files);
    const newer = generations.find(({ state }) => state === "newer-format");
    if (newer !== undefined) {
      throw new Failure("data", `the store file ${newer.file}: ${newer.reason}, a newer one`, {
        hint: "repair it with the tdx-sim that wrote it",
      });
    }
    const damaged = generations.filter(({ state }) => state === "damaged");
    const [newest] = generations;
    if (newest === undefined || damaged.length === 0) return { restored: null, setAside: [] };
    const good = generations.find(({ state }) => state === "good");
    if (good === undefined) {
      throw new Failure("data", `no generation of the store ${directory} is whole`, {
        hint: "tdx-sim reset --yes starts an empty one",
      });
    }
    const restored = newest.state === "damaged" ? good.generation : null;
    if (restored !== null) {
      const payload = payloadOf(directory, restored, files);
      store.commit(lock, newest.generation + 1, payload, GENERATIONS_KEPT + damaged.length);
    }
    const setAside = damaged.map(({ generation }) => moveAside(directory, generation, files));
    return { restored, setAside };
  });
}

/** Ends a lock by force; see `breakLock`. */
export function unlockStore(directory: string, id: string, files: Storage = storage): void {
  breakLock(files, directory, id);
}

function payloadOf(directory: string, generation: number, files: Storage): string {
  const decoded = readGeneration(files, directory, generation);
  if (decoded?.state !== "good") {
    throw new Failure("io", `${generationPath(directory, generation)} changed while it was read`);
  }
  return decoded.payload;
}

function moveAside(directory: string, generation: number, files: Storage): string {
  const from = generationPath(directory, generation);
  const to = setAsidePath(directory, generation);
  withPath({ verb: "set aside", path: from }, () => {
    files.renameSync(from, to);
    syncDirectory(files, directory);
  });
  return to;
}
