import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Storage, storage } from "../../src/store/storage.ts";
import { Store } from "../../src/store/store.ts";
import type { Failure } from "../../src/units/failure.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { failingStorage, losingStorage, PowerCut, restoreImage } from "./faulty-storage.ts";

const OLD = { tds: ["old"] };
const NEW = { tds: ["old", "new"] };

function change(directory: string, files: Storage): Promise<void> {
  const store = new Store({ directory, command: "test", lockWaitMs: 0, files });
  return store.update(async () => ({ host: NEW, value: undefined }));
}

async function oldStore(): Promise<string> {
  const directory = temporaryDirectory("store");
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
    for (let at = 1; at <= count; at += 1) {
      const directory = await oldStore();
      const disk = losingStorage(directory, at);
      // Cleaning up after a commit may be cut short without failing the command.
      await change(directory, disk.files).catch((error: unknown) => {
        expect(error).toBeInstanceOf(PowerCut);
      });
      for (const image of disk.images()) {
        const restored = temporaryDirectory("restored");
        restoreImage(image, restored);
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
    for (const image of disk.images()) {
      const restored = temporaryDirectory("restored");
      restoreImage(image, restored);
      expect(read(restored)).toEqual(NEW);
      await change(restored, storage);
    }
  });
});
