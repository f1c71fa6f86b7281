import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkStore, repairStore, unlockStore } from "../../src/store/care.ts";
import { acquireLock } from "../../src/store/lock.ts";
import { storage } from "../../src/store/storage.ts";
import { Store } from "../../src/store/store.ts";
import { temporaryDirectory } from "../support/temporary.ts";

async function filled(...hosts: unknown[]): Promise<{ store: Store; file(n: number): string }> {
  const directory = temporaryDirectory("store");
  const store = new Store({ directory, command: "test", lockWaitMs: 0 });
  for (const host of hosts) await store.update(async () => ({ host, value: undefined }));
  return { store, file: (generation) => join(directory, `host.${generation}.json`) };
}

describe("a check", () => {
  test("of an empty place finds nothing", () => {
    const directory = join(temporaryDirectory(), "none");
    expect(checkStore(directory)).toEqual({
      directory,
      generations: [],
      temporaryFiles: 0,
      lock: null,
    });
  });

  test("judges every generation, newest first", async () => {
    const { store, file } = await filled(1, 2, 3);
    writeFileSync(file(2), "half a");
    const states = checkStore(store.directory).generations.map((entry) => [
      entry.generation,
      entry.state,
    ]);
    expect(states).toEqual([
      [3, "good"],
      [2, "damaged"],
      [1, "good"],
    ]);
  });

  test("counts what killed writers left and names the lock's holder, changing neither", async () => {
    const { store } = await filled(1);
    writeFileSync(join(store.directory, "host.2.json.0123456789ab.tmp"), "");
    const request = { command: "destroy", waitMs: 0, note: () => {} };
    const lock = await acquireLock(storage, store.directory, request);
    expect(checkStore(store.directory)).toMatchObject({
      temporaryFiles: 1,
      lock: { id: lock.id, alive: true, holder: { pid: process.pid } },
    });
    expect(readdirSync(store.directory)).toHaveLength(3);
  });
});

describe("a repair", () => {
  test("of a whole store changes nothing", async () => {
    const { store } = await filled(1, 2);
    expect(await repairStore(store)).toEqual({ restored: null, setAside: [] });
    expect(readdirSync(store.directory).sort()).toEqual(["host.1.json", "host.2.json"]);
  });

  test("makes the newest good generation the present one and keeps the damaged ones", async () => {
    const { store, file } = await filled(1, 2, 3);
    writeFileSync(file(3), "");
    expect(await repairStore(store)).toEqual({
      restored: 2,
      setAside: [`${file(3)}.damaged`],
    });
    expect(store.read()).toBe(2);
    expect(readdirSync(store.directory).sort()).toEqual([
      "host.1.json",
      "host.2.json",
      "host.3.json.damaged",
      "host.4.json",
    ]);
  });

  test("of an older generation leaves the present state alone", async () => {
    const { store, file } = await filled(1, 2);
    writeFileSync(file(1), "");
    expect(await repairStore(store)).toEqual({ restored: null, setAside: [`${file(1)}.damaged`] });
    expect(store.read()).toBe(2);
  });

  test("never invents a state", async () => {
    const { store, file } = await filled(1);
    writeFileSync(file(1), "");
    await expect(repairStore(store)).rejects.toMatchObject({
      kind: "data",
      hint: expect.stringContaining("reset"),
    });
    expect(readdirSync(store.directory)).toEqual(["host.1.json"]);
  });

  test("leaves a store that can be reset to nothing at all", async () => {
    const { store, file } = await filled(1, 2);
    writeFileSync(file(2), "");
    await repairStore(store);
    await store.reset();
    expect(readdirSync(store.directory)).toEqual(["host.4.json"]);
  });
});

describe("an unlock", () => {
  test("frees a store that is locked under that ID", async () => {
    const { store } = await filled(1);
    const request = { command: "destroy", waitMs: 0, note: () => {} };
    const lock = await acquireLock(storage, store.directory, request);
    unlockStore(store.directory, lock.id);
    await store.update(async () => ({ host: 2, value: undefined }));
    expect(store.read()).toBe(2);
  });
});
