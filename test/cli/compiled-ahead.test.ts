import { spawnSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { temporaryDirectory } from "../support/temporary.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ARGS = ["compare", "--memory", "1G", "--vcpus", "1"];

interface Installation {
  readonly root: string;
  /** The files with compiled code. */
  readonly caches: readonly string[];
}

/** A copy of what a start of the program reads. */
function installation(): Installation {
  const root = temporaryDirectory("installation");
  for (const path of ["bin", "dist/layers", layers()]) {
    cpSync(join(ROOT, path), join(root, path), { recursive: true });
  }
  const caches = readdirSync(join(root, layers()))
    .filter((name) => name.endsWith(".cache"))
    .map((name) => join(root, layers(), name));
  return { root, caches };
}

/** The directory that the program loads from; others may be left of earlier builds. */
function layers(): string {
  return `dist/${readFileSync(join(ROOT, "dist/layers"), "utf8")}`;
}

function run({ root }: Installation, node: readonly string[] = []) {
  const args = [...node, join(root, "bin/tdx-sim.cjs"), ...ARGS];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    env: { PATH: process.env["PATH"], HOME: root },
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

const EXPECTED = run(installation());

/** Does something to every byte string of compiled code. */
function changed(change: (compiled: Buffer, path: string) => Uint8Array): Installation {
  const copy = installation();
  for (const path of copy.caches) writeFileSync(path, change(readFileSync(path), path));
  return copy;
}

function withBitFlipped(bytes: Buffer, offset: number): Buffer {
  const damaged = Buffer.from(bytes);
  damaged.writeUInt8(damaged.readUInt8(offset) ^ 0x10, offset);
  return damaged;
}

describe("code compiled ahead", () => {
  test("is there for every layer and is taken", () => {
    const { root, caches } = installation();
    expect(caches.length).toBe(4);
    const script = `
      const { main, scripts } = require(${JSON.stringify(join(root, "bin/tdx-sim.cjs"))});
      main(${JSON.stringify(ARGS)}).then(() => {
        for (const [layer, script] of scripts) console.error(layer, script.cachedDataRejected);
      });`;
    const { stderr } = spawnSync(process.execPath, ["-e", script], { encoding: "utf8" });
    expect(stderr).toBe("start false\nlife false\n");
  });

  test("a missing file changes nothing", () => {
    const copy = installation();
    for (const path of copy.caches) rmSync(path);
    expect(run(copy)).toEqual(EXPECTED);
  });

  test.each([
    ["at the start", 0],
    ["in the middle of the first copy", 0.25],
    ["in the second copy", 0.75],
  ])("a bit flipped %s changes nothing", (_, place) => {
    const copy = changed((bytes) => withBitFlipped(bytes, Math.floor(bytes.length * place)));
    expect(run(copy)).toEqual(EXPECTED);
  });

  test.each([
    ["empty", () => Buffer.alloc(0)],
    ["cut short", (bytes: Buffer) => bytes.subarray(0, bytes.length / 3)],
    ["cut to one copy", (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
    ["zeros", (bytes: Buffer) => Buffer.alloc(bytes.length)],
    ["text", () => Buffer.from("no compiled code, no compiled code, ")],
  ])("a file that is %s changes nothing", (_, change) => {
    expect(run(changed(change))).toEqual(EXPECTED);
  });

  test("code compiled of another source changes nothing", () => {
    const other = readFileSync(installation().caches.find((path) => path.includes("rest")) ?? "");
    expect(run(changed(() => other))).toEqual(EXPECTED);
  });

  test("other flags of V8 change nothing", () => {
    expect(run(installation(), ["--no-opt", "--stack-size=900"])).toEqual(EXPECTED);
  });

  test("a start writes nothing beside the program", () => {
    const copy = installation();
    const before = readdirSync(copy.root, { recursive: true }).sort();
    expect(run(copy).status).toBe(0);
    expect(readdirSync(copy.root, { recursive: true }).sort()).toEqual(before);
  });

  test("a build that is not whole is told", () => {
    const copy = installation();
    rmSync(join(copy.root, layers()), { recursive: true });
    const { status, stderr } = run(copy);
    expect(status).toBe(70);
    expect(stderr).toBe("tdx-sim: dist is not whole\nhint: run npm run build\n");
  });
});
