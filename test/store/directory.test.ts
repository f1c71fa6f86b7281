import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createStoreDirectory, storeDirectory } from "../../src/store/directory.ts";
import { type Storage, storage } from "../../src/store/storage.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { recordingStorage } from "./faulty-storage.ts";

const home = () => "/home/someone";

describe("the store's directory", () => {
  test("is the option before the variable", () => {
    const environment = { TDX_SIM_STORE: "/variable" };
    expect(storeDirectory({ option: "/option", environment, home })).toBe("/option");
  });

  test("is the variable before the XDG state directory", () => {
    const environment = { TDX_SIM_STORE: "/variable", XDG_STATE_HOME: "/state" };
    expect(storeDirectory({ environment, home })).toBe("/variable");
  });

  test("is in the XDG state directory before the home directory", () => {
    expect(storeDirectory({ environment: { XDG_STATE_HOME: "/state" }, home })).toBe(
      "/state/tdx-sim",
    );
  });

  test("is in the home directory otherwise", () => {
    expect(storeDirectory({ environment: {}, home })).toBe("/home/someone/.local/state/tdx-sim");
  });

  test("is not taken from variables that are empty or, for XDG, relative", () => {
    const environment = { TDX_SIM_STORE: "", XDG_STATE_HOME: "state" };
    expect(storeDirectory({ environment, home })).toBe("/home/someone/.local/state/tdx-sim");
  });

  test("starts from the working directory when it is relative", () => {
    const location = { option: "my store", environment: {}, workingDirectory: () => "/work place" };
    expect(storeDirectory(location)).toBe("/work place/my store");
  });

  test("is bad configuration when it is relative to a directory that is gone", () => {
    const workingDirectory = () => {
      throw new Error("ENOENT: uv_cwd");
    };
    expect(() => storeDirectory({ option: "x", environment: {}, workingDirectory })).toThrow(
      expect.objectContaining({ kind: "config" }),
    );
  });

  test.each([
    [
      "no entry",
      () => {
        throw new Error("ENOENT");
      },
    ],
    ["an empty one", () => ""],
  ])("is bad configuration when the user's home is %s", (_what, none) => {
    expect(() => storeDirectory({ environment: {}, home: none })).toThrow(
      expect.objectContaining({ kind: "config", hint: expect.stringContaining("--store") }),
    );
  });

  test.each(["", "a\0b"])("cannot be named %j", (option) => {
    expect(() => storeDirectory({ option, environment: {}, home })).toThrow(
      expect.objectContaining({ kind: "usage" }),
    );
  });
});

describe("making the store's directory", () => {
  test("makes what is missing above it, all for the owner alone", () => {
    const directory = join(temporaryDirectory(), "a", "b");
    createStoreDirectory(storage, directory);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, "..")).mode & 0o777).toBe(0o700);
  });

  test("makes each new entry durable in the directory above it", () => {
    const root = temporaryDirectory();
    const { files, log } = recordingStorage();
    createStoreDirectory(files, join(root, "a", "b"));
    const synced = log.filter((line) => line.startsWith("fsyncSync"));
    expect(synced.sort()).toEqual([`fsyncSync ${root}`, `fsyncSync ${root}/a`]);
  });

  test("changes nothing when it is there", () => {
    const directory = temporaryDirectory();
    const { files, log } = recordingStorage();
    createStoreDirectory(files, directory);
    expect(log.filter((line) => !line.startsWith("statSync "))).toEqual([]);
  });

  // Node's own recursive mkdir goes round and round there.
  test("ends where a file system makes nothing below a directory that is there", () => {
    const root = temporaryDirectory();
    const refused = Object.assign(new Error("ENOENT: no such file or directory"), {
      code: "ENOENT",
    });
    const files: Storage = {
      ...storage,
      mkdirSync: ((path: string, mode: number) => {
        if (path.startsWith(join(root, "a"))) throw refused;
        return storage.mkdirSync(path, mode);
      }) as Storage["mkdirSync"],
    };
    expect(() => createStoreDirectory(files, join(root, "a", "b"))).toThrow(
      expect.objectContaining({ kind: "cannot-create" }),
    );
  });

  test.each([
    ["a file", ""],
    ["below a file", "/below"],
  ])("is bad configuration when the path is %s", (_what, rest) => {
    const file = join(temporaryDirectory(), "file");
    writeFileSync(file, "");
    expect(() => createStoreDirectory(storage, file + rest)).toThrow(
      expect.objectContaining({ kind: "config", message: expect.stringContaining(file) }),
    );
    expect(existsSync(file)).toBe(true);
  });
});
