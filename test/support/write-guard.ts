import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { basename, dirname, join, resolve, sep } from "node:path";
import { storage } from "../../src/store/storage.ts";

type Call = (...args: unknown[]) => unknown;

/** Functions that change a file system, with which of their arguments are paths. */
const CHANGING: Readonly<Record<string, readonly number[]>> = {
  appendFileSync: [0],
  chmodSync: [0],
  copyFileSync: [1],
  cpSync: [1],
  createWriteStream: [0],
  linkSync: [1],
  mkdirSync: [0],
  mkdtempSync: [0],
  openSync: [0],
  renameSync: [0, 1],
  rmSync: [0],
  rmdirSync: [0],
  symlinkSync: [1],
  truncateSync: [0],
  unlinkSync: [0],
  writeFileSync: [0],
};

/**
 * Watches what the code under test changes in the file system, in this thread: nothing outside
 * the sandbox is let through.
 */
export class WriteGuard {
  readonly #restore: (() => void)[] = [];
  /** Node keeps some of these functions when it first needs them: they outlive the guard. */
  #isWatching = true;
  readonly #refused: { call: string; path: string }[] = [];

  constructor(sandbox: string) {
    // The store's own file operations were taken from node:fs before.
    for (const functions of [fs, storage] as unknown as Record<string, Call>[]) {
      for (const [name, paths] of Object.entries(CHANGING)) {
        const original = functions[name];
        if (original === undefined) continue;
        this.#restore.push(() => {
          functions[name] = original;
        });
        functions[name] = (...args) => {
          if (this.#isWatching) this.#judge(name, args, paths, sandbox);
          return original(...args);
        };
      }
    }
    syncBuiltinESMExports();
  }

  #judge(name: string, args: readonly unknown[], paths: readonly number[], sandbox: string): void {
    for (const at of paths) {
      const path = args[at];
      if (typeof path !== "string" || (name === "openSync" && isReading(args[1]))) continue;
      if (isWithin(path, sandbox)) continue;
      this.#refused.push({ call: name, path: finalPath(path) });
      throw Object.assign(new Error(`EACCES: permission denied, ${name}`), { code: "EACCES" });
    }
  }

  /** What was refused since the last call, less what the arguments themselves name. */
  unasked(args: readonly string[]): string[] {
    const named = args.flatMap(valuesIn).map((value) => resolve(value));
    return this.#refused.splice(0).flatMap(({ call, path }) => {
      const asked = named.some((one) => isWithin(path, one) || isWithin(one, path));
      return asked ? [] : [`${call} ${JSON.stringify(path)}`];
    });
  }

  /** Lets everything through again. */
  end(): void {
    this.#isWatching = false;
    for (const restore of this.#restore) restore();
    syncBuiltinESMExports();
  }
}

function isReading(flags: unknown): boolean {
  if (flags === undefined || flags === "r") return true;
  const { O_WRONLY, O_RDWR, O_CREAT } = fs.constants;
  return typeof flags === "number" && (flags & (O_WRONLY | O_RDWR | O_CREAT)) === 0;
}

/** What an argument may mean by `--option=value`, `--option=format=file`, `-ofile`. */
function valuesIn(argument: string): string[] {
  const parts = argument.split("=");
  const values = parts.map((_, at) => parts.slice(at).join("="));
  return [...values, argument.slice(2)].filter((value) => value !== "");
}

function isWithin(path: string, directory: string): boolean {
  return `${resolve(path)}${sep}`.startsWith(directory.endsWith(sep) ? directory : directory + sep);
}

/** Drafts lie beside the file that they are to replace. */
function finalPath(path: string): string {
  const [, name] = /^\.(.+)\.[0-9a-f]{12}\.tmp$/s.exec(basename(path)) ?? [];
  return resolve(name === undefined ? path : join(dirname(path), name));
}
