import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Storage, storage } from "../../src/store/storage.ts";
import { Store } from "../../src/store/store.ts";
import type { Failure } from "../../src/units/failure.ts";
import { Chance } from "../model/chance.ts";
import { replay, testSeed } from "../support/sample.ts";
import { memoryDirectory } from "../support/temporary.ts";
import { tally } from "../support/totals.ts";
import {
  failingStorage,
  type Image,
  losingStorage,
  PowerCut,
  restoreImage,
} from "./faulty-storage.ts";

const FILE = "test/store/storage-faults.test.ts";

const OLD = { tds: ["old"] };
const NEW = { tds: ["old", "new"] };

function put(directory: string, files: Storage, host: unknown): Promise<void> {
  const store = new Store({ directory, command: "test", lockWaitMs: 0, files });
  return store.update(async () => ({ host, value: undefined }));
}

function change(directory: string, files: Storage): Promise<void> {
  return put(directory, files, NEW);
}

/** A directory that holds what the power cut left. */
function restore(image: Image): string {
  const directory = memoryDirectory("restored");
  restoreImage(image, directory);
  return directory;
}

async function oldStore(): Promise<string> {
  const directory = memoryDirectory("store");
  const store = new Store({ directory, command: "test" });
  await store.update(async () => ({ host: OLD, value: undefined }));
  return directory;
}

function read(directory: string): unknown {
  return new Store({ directory, command: "test" }).read();
}

/** How many operations an undisturbed change makes. */
async function operationsOfAChange(): Promise<number> {
  const { files, operations } = failingStorage(0, "");
  await change(await oldStore(), files);
  return operations();
}

describe.each(["ENOSPC", "EIO", "EDQUOT", "EROFS", "EACCES", "EMFILE"])(
  "a file operation that fails with %s",
  (errno) => {
    test("fails the command with path and errno, or is harmless; never loses the old state", async () => {
      const count = await operationsOfAChange();
      let failed = 0;
      for (let at = 1; at <= count; at += 1) {
        const directory = await oldStore();
        const before = readFileSync(join(directory, "host.1.json"));
        const outcome = await change(directory, failingStorage(at, errno).files).then(
          () => undefined,
          (failure: Failure) => failure,
        );
        const where = `operation ${at} of ${count}`;
        expect(readFileSync(join(directory, "host.1.json")), where).toEqual(before);
        expect(read(directory), where).toEqual(outcome === undefined ? NEW : OLD);
        if (outcome === undefined) continue;
        failed += 1;
        expect(["io", "cannot-create"], where).toContain(outcome.kind);
        expect(outcome.message, where).toContain(directory);
        expect(outcome.message, where).toContain(`(${errno})`);
        const litter = readdirSync(directory).filter((name) => name.endsWith(".tmp"));
        expect(litter.length, where).toBeLessThanOrEqual(1);
      }
      expect(failed).toBeGreaterThan(8);
    });
  },
);

describe("a power loss", () => {
  test("before any operation leaves the old state or the new one, without repair", async () => {
    const count = await operationsOfAChange();
    tally("R3", 2 * count, "cuts of power");
    for (let at = 1; at <= count; at += 1) {
      const directory = await oldStore();
      const disk = losingStorage(directory, at);
      // Cleaning up after a commit may be cut short without failing the command.
      await change(directory, disk.files).catch((error: unknown) => {
        expect(error).toBeInstanceOf(PowerCut);
      });
      for (const image of [disk.oldest(), disk.newest()]) {
        const restored = restore(image);
        expect([OLD, NEW], `operation ${at} of ${count}`).toContainEqual(read(restored));
        await change(restored, storage);
        expect(read(restored)).toEqual(NEW);
      }
    }
  });

  test("after the command has ended loses nothing", async () => {
    const directory = await oldStore();
    const disk = losingStorage(directory, Number.POSITIVE_INFINITY);
    await change(directory, disk.files);
    for (const image of [disk.oldest(), disk.newest()]) {
      const restored = restore(image);
      expect(read(restored)).toEqual(NEW);
      await change(restored, storage);
    }
  });

  test("that drops and reorders what was not synced loses no acknowledged change", async () => {
    const chance = new Chance(testSeed());
    const cuts = 500;
    tally("R3", cuts, "cuts of power that keep any part of what was not synced");
    const sizes = [1, 5_000, 20_000];
    const operations = await operationsOfAChange();
    for (let cut = 0; cut < cuts; cut += 1) {
      const directory = await oldStore();
      const disk = losingStorage(directory, chance.integer(1, 4 * operations));
      const states: unknown[] = [OLD];
      let acknowledged = 0;
      try {
        for (const n of [1, 2, 3, 4]) {
          states.push({ n, ballast: "x".repeat(chance.pick(sizes)) });
          await put(directory, disk.files, states[n]);
          acknowledged = n;
        }
      } catch (error) {
        expect(error).toBeInstanceOf(PowerCut);
      }
      const restored = restore(disk.random(chance));
      const about = `cut ${cut}; ${replay(FILE, testSeed())}`;
      const allowed = states.slice(acknowledged, acknowledged + 2);
      expect(allowed, about).toContainEqual(read(restored));
      await change(restored, storage);
      expect(read(restored), about).toEqual(NEW);
      for (const path of [directory, restored]) rmSync(path, { recursive: true });
    }
  }, 60_000);
});
