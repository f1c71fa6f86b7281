import {
  chmodSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openOutputFile } from "../../src/store/output-file.ts";
import { storage } from "../../src/store/storage.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { systemError } from "./faulty-storage.ts";

function place(): { directory: string; path: string } {
  const directory = temporaryDirectory();
  return { directory, path: join(directory, "result.json") };
}

describe("an output file", () => {
  test("is there with all its content once it is written", () => {
    const { directory, path } = place();
    openOutputFile(path).write("new\n");
    expect(readFileSync(path, "utf8")).toBe("new\n");
    expect(readdirSync(directory)).toEqual(["result.json"]);
  });

  test("keeps its old content until then", () => {
    const { path } = place();
    writeFileSync(path, "old");
    const file = openOutputFile(path);
    expect(readFileSync(path, "utf8")).toBe("old");
    file.write("new");
    expect(readFileSync(path, "utf8")).toBe("new");
  });

  test("that is discarded leaves everything as it was", () => {
    const { directory, path } = place();
    openOutputFile(path).discard();
    expect(readdirSync(directory)).toEqual([]);
  });

  test("keeps the mode of the file it replaces", () => {
    const { path } = place();
    writeFileSync(path, "old");
    chmodSync(path, 0o640);
    openOutputFile(path).write("new");
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });

  test("replaces what a symbolic link leads to, not the link", () => {
    const { directory, path } = place();
    const target = join(directory, "target.json");
    writeFileSync(target, "old");
    symlinkSync(target, path);
    openOutputFile(path).write("new");
    expect(readFileSync(target, "utf8")).toBe("new");
  });

  test("may be a device, which is written to and stays one", () => {
    openOutputFile("/dev/null").write("anything");
    expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
  });

  test.each<[string, (path: string) => string]>([
    ["in a directory that is not there", (path) => join(path, "missing", "result.json")],
    ["a directory", (path) => path],
  ])("is refused before the work when it is %s", (_what, of) => {
    const directory = temporaryDirectory();
    expect(() => openOutputFile(of(directory))).toThrow(
      expect.objectContaining({ kind: "cannot-create", message: expect.stringContaining("(E") }),
    );
  });

  test("that cannot be written after all leaves the old content and tells the errno", () => {
    const { directory, path } = place();
    writeFileSync(path, "old");
    const fsyncSync = () => {
      throw systemError("ENOSPC", "fsync");
    };
    const file = openOutputFile(path, { ...storage, fsyncSync });
    expect(() => file.write("new")).toThrow(
      expect.objectContaining({ kind: "io", message: expect.stringContaining("(ENOSPC)") }),
    );
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(directory)).toEqual(["result.json"]);
  });
});
