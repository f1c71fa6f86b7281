import * as fs from "node:fs";
import { dirname } from "node:path";
import { type Storage, storage } from "../../src/store/storage.ts";

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

/**
 * The real storage under a directory, which loses power before its `at`-th operation. What a disk
 * may then hold lies between two extremes, both returned by `images`: names and contents as last
 * made durable; all names as they are, contents as last made durable.
 */
export function losingStorage(
  directory: string,
  at: number,
): { files: Storage; operations(): number; images(): Image[] } {
  let count = 0;
  const durableContent = new Map<number, Uint8Array>();
  let durableNames = namesOf(directory);
  for (const inode of durableNames.values()) durableContent.set(inode, contentOf(directory, inode));

  const files = wrapped((name, call, args) => {
    count += 1;
    if (count >= at) throw new PowerCut();
    const result = call();
    if (name === "fsyncSync") {
      const fd = args[0] as number;
      const stats = fs.fstatSync(fd);
      if (stats.isDirectory()) durableNames = namesOf(directory);
      else durableContent.set(stats.ino, contentOf(directory, stats.ino));
    }
    return result;
  });
  const image = (names: ReadonlyMap<string, number>): Image =>
    new Map(
      [...names].map(([name, inode]) => [name, durableContent.get(inode) ?? Buffer.alloc(0)]),
    );
  return {
    files,
    operations: () => count,
    images: () => [image(durableNames), image(namesOf(directory))],
  };
}

/** Writes an image into an empty directory. */
export function restoreImage(image: Image, directory: string): void {
  for (const [name, content] of image) fs.writeFileSync(`${directory}/${name}`, content);
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

function namesOf(directory: string): Map<string, number> {
  return new Map(
    fs.readdirSync(directory).map((name) => [name, fs.statSync(`${directory}/${name}`).ino]),
  );
}

function contentOf(directory: string, inode: number): Uint8Array {
  for (const [name, candidate] of namesOf(directory)) {
    if (candidate === inode) return fs.readFileSync(`${directory}/${name}`);
  }
  throw new Error(`no file of inode ${inode} in ${dirname(directory)}`);
}
