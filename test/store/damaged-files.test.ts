import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { repairStore } from "../../src/store/care.ts";
import { type Storage, storage } from "../../src/store/storage.ts";
import { Store } from "../../src/store/store.ts";
import { Failure } from "../../src/units/failure.ts";
import { Chance } from "../model/chance.ts";
import { runOnStore } from "../support/cli-in-process.ts";
import { PATIENCE, replay, runs, testSeed } from "../support/sample.ts";
import { memoryDirectory, temporaryDirectory } from "../support/temporary.ts";
import { tally } from "../support/totals.ts";

const FILE = "test/store/damaged-files.test.ts";
const ALL_BITS_BELOW = 8 * 1024;

let small: Buffer = Buffer.alloc(0);
let large: Buffer = Buffer.alloc(0);

/** What commands store: one TD that was made, then several with scattered pages. */
beforeAll(async () => {
  const store = temporaryDirectory("store");
  await runOnStore(["create", "a", "--memory", "1M", "--vcpus", "1"], store);
  small = readFileSync(join(store, "host.1.json"));
  for (const name of ["b", "c", "d", "e"]) {
    await runOnStore(["create", name, "--memory", "64K", "--layout", "alternate"], store);
  }
  large = readFileSync(join(store, "host.5.json"));
});

/** Reads a store whose generation `number` has these bytes. */
function readAs(bytes: Buffer, number: number): unknown {
  const directory = "/a store";
  const files = {
    ...storage,
    readdirSync: () => [`host.${number - 1}.json`, `host.${number}.json`],
    openSync: () => 3,
    fstatSync: () => ({ isFile: () => true }),
    closeSync: () => undefined,
    readFileSync: () => bytes,
  } as unknown as Storage;
  return new Store({ directory, command: "test", files }).read();
}

/** Why reading does not show the damage; null when it does as it should. */
function unseen(bytes: Buffer, number: number): string | null {
  try {
    return `read as ${JSON.stringify(readAs(bytes, number))}`;
  } catch (error) {
    const isTold = error instanceof Failure && error.kind === "data";
    return isTold && error.message.includes(`/a store/host.${number}.json`) ? null : String(error);
  }
}

function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

function expectAllSeen(bytes: Buffer, number: number, bits: Iterable<number>): void {
  for (const bit of bits) {
    const why = unseen(flipped(bytes, bit), number);
    if (why !== null) expect.unreachable(`bit ${bit}: ${why}; ${replay(FILE, testSeed())}`);
  }
}

describe("a flipped bit", () => {
  test("of a small store is refused, wherever it is", { timeout: PATIENCE }, () => {
    expect(small.length).toBeLessThanOrEqual(ALL_BITS_BELOW);
    expect(unseen(small, 1)).toContain("read as");
    const chance = new Chance(testSeed());
    const all = Array.from({ length: small.length * 8 }, (_, bit) => bit);
    const bits = all.filter(() => chance.is(runs(0.05, 1)));
    tally("R10", bits.length, "flipped bits of a store");
    expectAllSeen(small, 1, bits);
  });

  test("of a large store is refused, wherever it is", { timeout: PATIENCE }, () => {
    expect(large.length).toBeGreaterThan(ALL_BITS_BELOW);
    expect(unseen(large, 5)).toContain("read as");
    const chance = new Chance(testSeed());
    const bits = Array.from({ length: runs(1_000, 20_000) }, () =>
      chance.integer(0, large.length * 8 - 1),
    );
    tally("R10", bits.length, "flipped bits of a store");
    expectAllSeen(large, 5, bits);
  });
});

describe("a store file", () => {
  test("that was cut short is refused, whatever is left", () => {
    tally("R11", small.length, "lengths that a store was cut to");
    for (let length = 0; length < small.length; length += 1) {
      expect(unseen(small.subarray(0, length), 1), `${length} bytes`).toBeNull();
    }
  });

  test.each([
    ["a newline", (bytes: Buffer) => [bytes, Buffer.from("\n")]],
    ["garbage", (bytes: Buffer) => [bytes, Buffer.from("\xff{]")]],
    ["a NUL", (bytes: Buffer) => [bytes, Buffer.alloc(1)]],
    ["a block of NULs", (bytes: Buffer) => [bytes, Buffer.alloc(4096)]],
    ["itself", (bytes: Buffer) => [bytes, bytes]],
  ])("that is followed by %s is refused", (_what, parts) => {
    expect(unseen(Buffer.concat(parts(small)), 1)).toBeNull();
  });

  test("of NULs, as long as it was, is refused", () => {
    expect(unseen(Buffer.alloc(small.length), 1)).toBeNull();
  });

  test("that was cut short is replaced by the last good one", { timeout: PATIENCE }, async () => {
    const chance = new Chance(testSeed());
    const lengths = Array.from({ length: small.length }, (_, length) => length);
    const some = lengths.filter(() => chance.is(runs(0.01, 1)));
    tally("R11", some.length, "stores repaired after they were cut short");
    for (const length of some) {
      const directory = memoryDirectory("store");
      const store = new Store({ directory, command: "test", lockWaitMs: 0 });
      await store.update(async () => ({ host: "good", value: 0 }));
      writeFileSync(join(directory, "host.2.json"), small.subarray(0, length));
      expect(() => store.read()).toThrow(Failure);
      expect(await repairStore(store), `${length} bytes`).toMatchObject({ restored: 1 });
      expect(store.read(), `${length} bytes`).toBe("good");
      rmSync(directory, { recursive: true });
    }
  });
});
