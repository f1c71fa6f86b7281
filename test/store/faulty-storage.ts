import * as fs from "node:fs";
import { type Storage, storage } from "../../src/store/storage.ts";
import type { Chance } from "../model/chance.ts";

/** A system error as Node throws it. */
export function systemError(errno: string, call: string): Error {
  return Object.assign(new Error(`${errno}: simulated failure, ${call}`), { code: errno });
}

/**
 * The real storage, whose `at`-th operation (from 1) fails with `errno` before doing anything.
 * `operations()` tells how many were made.
 */
export function failingStorage(
  at: number,
  errno: string,
): { files: Storage; operations(): number } {
  let count = 0;
  const files = wrapped((name, call) => {
    count += 1;
    if (count === at) throw systemError(errno, name);
    return call();
  });
  return { files, operations: () => count };
}

export class PowerCut extends Error {}

/** The directory as a power cut may leave it: file name to content. */
export type Image = ReadonlyMap<string, Uint8Array>;

/** Changes of names that a disk takes together or not at all: one rename, link or unlink. */
type NameChange = ReadonlyMap<string, number | null>;

/** Operations after which names or contents may be others. */
const CHANGES = new Set([
  ...["copyFileSync", "linkSync", "mkdirSync", "openSync"],
  ...["renameSync", "unlinkSync", "writeFileSync"],
]);

/** What a disk writes in one piece. */
const BLOCK_BYTES = 4096;

/**
 * The real storage under a directory, which loses power before its `at`-th operation. What was made
 * durable is on the disk; of the rest any part may be, in any order: `oldest` has none of it,
 * `newest` all names and no content, `random` a choice of names and of blocks.
 */
export function losingStorage(
  directory: string,
  at: number,
): {
  files: Storage;
  operations(): number;
  oldest(): Image;
  newest(): Image;
  random(chance: Chance): Image;
} {
  const disk = new LosingDisk(directory);
  let count = 0;
  const files = wrapped((name, call, args) => {
    count += 1;
    if (count >= at) throw new PowerCut();
    const result = call();
    if (CHANGES.has(name)) disk.note();
    if (name === "fsyncSync") disk.sync(fs.fstatSync(args[0] as number));
    return result;
  });
  return {
    files,
    operations: () => count,
    oldest: () => disk.image([], () => undefined),
    newest: () => disk.image(disk.changes, () => undefined),
    random: (chance) =>
      disk.image(
        disk.changes.filter(() => chance.is(0.5)),
        (content) => partOf(content, chance),
      ),
  };
}

class LosingDisk {
  /** Since the directory was last synced, in their order. */
  changes: NameChange[] = [];
  readonly #directory: string;
  /** Files by a number of their own: a file system gives the same inode again. */
  readonly #files = new Map<number, { written: Uint8Array; durable: Uint8Array }>();
  #durableNames: ReadonlyMap<string, number>;
  #names: ReadonlyMap<string, number>;
  #numbers = new Map<number, number>();

  constructor(directory: string) {
    this.#directory = directory;
    this.#names = this.#look();
    this.#durableNames = this.#names;
    for (const file of this.#files.values()) file.durable = file.written;
  }

  /** Sees what an operation changed. */
  note(): void {
    const before = this.#names;
    this.#names = this.#look();
    const change = new Map<string, number | null>();
    for (const [name, file] of this.#names) if (before.get(name) !== file) change.set(name, file);
    for (const name of before.keys()) if (!this.#names.has(name)) change.set(name, null);
    if (change.size > 0) this.changes.push(change);
  }

  sync(stats: fs.Stats): void {
    if (stats.isDirectory()) {
      this.#durableNames = this.#names;
      this.changes = [];
      return;
    }
    const file = this.#files.get(this.#numbers.get(stats.ino) ?? -1);
    if (file !== undefined) file.durable = file.written;
  }

  /** @param part what became of content that was not made durable; by default nothing */
  image(
    changes: readonly NameChange[],
    part: (content: Uint8Array) => Uint8Array | undefined,
  ): Image {
    const names = new Map<string, number | null>(this.#durableNames);
    for (const change of changes) for (const [name, file] of change) names.set(name, file);
    const image = new Map<string, Uint8Array>();
    for (const [name, number] of names) {
      const file = this.#files.get(number ?? -1);
      if (file === undefined) continue;
      const isDurable = file.durable === file.written;
      image.set(name, (isDurable ? undefined : part(file.written)) ?? file.durable);
    }
    return image;
  }

  /** The directory's names, and what its files hold now. */
  #look(): ReadonlyMap<string, number> {
    const names = new Map<string, number>();
    const numbers = new Map<number, number>();
    for (const name of fs.readdirSync(this.#directory)) {
      const path = `${this.#directory}/${name}`;
      const { ino } = fs.statSync(path);
      const number = this.#numbers.get(ino) ?? this.#files.size;
      numbers.set(ino, number);
      names.set(name, number);
      const written = fs.readFileSync(path);
      const file = this.#files.get(number);
      if (file === undefined) this.#files.set(number, { written, durable: new Uint8Array() });
      else if (Buffer.compare(file.written, written) !== 0) file.written = written;
    }
    this.#numbers = numbers;
    return names;
  }
}

/** Content that was on its way to the disk: some of its blocks, the others as they were, zero. */
function partOf(content: Uint8Array, chance: Chance): Uint8Array {
  const length = chance.pick([0, content.length, content.length]);
  const part = new Uint8Array(length);
  for (let block = 0; block < length; block += BLOCK_BYTES) {
    if (chance.is(0.5))
      part.set(content.subarray(block, block + BLOCK_BYTES).subarray(0, length), block);
  }
  return part;
}

/** Writes an image into an empty directory, as the machine finds it when it has started again. */
export function restoreImage(image: Image, directory: string): void {
  for (const [name, content] of image) fs.writeFileSync(`${directory}/${name}`, afterBoot(content));
}

/** What this boot wrote is an earlier one's then. */
function afterBoot(content: Uint8Array): Uint8Array {
  const text = Buffer.from(content).toString("latin1");
  return Buffer.from(text.replace(/"bootId":"[^"]*"/, '"bootId":"an earlier one"'), "latin1");
}

/** The names of the operations that the store made, with what they were made on. */
export function recordingStorage(): { files: Storage; log: string[] } {
  const log: string[] = [];
  const paths = new Map<number, string>();
  const files = wrapped((name, call, args) => {
    const result = call();
    if (name === "openSync") paths.set(result as number, String(args[0]));
    const target = typeof args[0] === "number" ? (paths.get(args[0]) ?? "") : String(args[0]);
    if (name === "closeSync") paths.delete(args[0] as number);
    log.push(`${name} ${target}`);
    return result;
  });
  return { files, log };
}

function wrapped(
  around: (name: string, call: () => unknown, args: readonly unknown[]) => unknown,
): Storage {
  const entries = Object.keys({ ...pickOperations() }).map((name) => {
    const operation = storage[name as keyof Storage] as (...args: unknown[]) => unknown;
    const replacement = (...args: unknown[]): unknown =>
      around(name, () => operation.apply(storage, args), args);
    return [name, replacement] as const;
  });
  return Object.fromEntries(entries) as unknown as Storage;
}

function pickOperations(): Record<keyof Storage, true> {
  return {
    closeSync: true,
    copyFileSync: true,
    fstatSync: true,
    fsyncSync: true,
    linkSync: true,
    mkdirSync: true,
    openSync: true,
    readFileSync: true,
    readdirSync: true,
    renameSync: true,
    statSync: true,
    unlinkSync: true,
    writeFileSync: true,
  };
}
