import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { encodeGeneration } from "../../src/store/envelope.ts";
import { breakLock, lockHolder } from "../../src/store/lock.ts";
import { type Storage, storage } from "../../src/store/storage.ts";
import { Store } from "../../src/store/store.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { recordingStorage } from "./faulty-storage.ts";

function open(directory: string, files: Storage = storage): Store {
  return new Store({ directory, command: "test", lockWaitMs: 0, files });
}

function put(store: Store, host: unknown): Promise<void> {
  return store.update(async () => ({ host, value: undefined }));
}

async function filled(...hosts: unknown[]): Promise<string> {
  const directory = join(temporaryDirectory(), "store");
  for (const host of hosts) await put(open(directory), host);
  return directory;
}

describe("a store", () => {
  test("that was never written holds nothing, and reading does not make it", () => {
    const directory = join(temporaryDirectory(), "none");
    expect(open(directory).read()).toBeNull();
    expect(() => statSync(directory)).toThrow("ENOENT");
  });

  test("gives back what was put in", async () => {
    const directory = await filled({ tds: ["a"] });
    expect(open(directory).read()).toEqual({ tds: ["a"] });
  });

  test("hands the present host to a change and its answer to the caller", async () => {
    const store = open(await filled({ count: 1 }));
    const seen = await store.update(async (host) => ({ host: { count: 2 }, value: host }));
    expect(seen).toEqual({ count: 1 });
    expect(store.read()).toEqual({ count: 2 });
  });

  test("is for its owner's eyes only", async () => {
    const directory = await filled({});
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, "host.1.json")).mode & 0o777).toBe(0o600);
  });

  test("is not written when nothing changed", async () => {
    const directory = await filled({ a: 1 });
    await put(open(directory), { a: 1 });
    expect(readdirSync(directory)).toEqual(["host.1.json"]);
  });

  test("stays as it was when the change fails, and is not left locked", async () => {
    const directory = await filled({ a: 1 });
    const failing = open(directory).update(async () => {
      throw new Error("refused");
    });
    await expect(failing).rejects.toThrow("refused");
    expect(readdirSync(directory)).toEqual(["host.1.json"]);
  });

  test("keeps the last three generations", async () => {
    const directory = await filled(1, 2, 3, 4, 5);
    expect(readdirSync(directory).sort()).toEqual(["host.3.json", "host.4.json", "host.5.json"]);
  });

  test("orders its generations as numbers", async () => {
    const directory = await filled(...Array.from({ length: 11 }, (_, index) => index));
    expect(open(directory).read()).toBe(10);
  });

  test("is cleaned of what killed writers left", async () => {
    const directory = await filled({ a: 1 });
    const litter = ["host.2.json.0123456789ab.tmp", "lock.0123456789ab.tmp", "lock.after.0123"];
    for (const name of litter) writeFileSync(join(directory, name), "half");
    writeFileSync(join(directory, "notes.txt"), "somebody's own");
    await put(open(directory), { a: 2 });
    expect(readdirSync(directory).sort()).toEqual(["host.1.json", "host.2.json", "notes.txt"]);
  });

  test("makes a generation durable before it has its name, and its name before it is done", async () => {
    const { files, log } = recordingStorage();
    const directory = await filled({ a: 1 });
    await put(open(directory, files), { a: 2 });
    const about = log.filter((line) => /host\.2\.json\.|fsync|openSync/.test(line));
    const steps = about.map((line) => line.replace(/host\.2\.json\.\w+\.tmp/, "TEMPORARY"));
    const at = (step: string) => steps.indexOf(step.replace("DIR", directory));
    const order = [
      at("writeFileSync DIR/TEMPORARY"),
      at("fsyncSync DIR/TEMPORARY"),
      at("linkSync DIR/TEMPORARY"),
      at("fsyncSync DIR"),
    ];
    expect(order.every((index) => index >= 0)).toBe(true);
    expect(order).toEqual([...order].sort((left, right) => left - right));
  });

  test("works where files cannot be linked", async () => {
    const linkSync = () => {
      throw Object.assign(new Error("ENOTSUP: not supported, link"), { code: "ENOTSUP" });
    };
    const directory = temporaryDirectory();
    await put(open(directory, { ...storage, linkSync }), { a: 1 });
    expect(open(directory).read()).toEqual({ a: 1 });
    expect(readdirSync(directory)).toEqual(["host.1.json"]);
  });
});

describe("a writer whose lock was ended by force", () => {
  const breakIt = (directory: string) =>
    breakLock(storage, directory, lockHolder(storage, directory)?.id ?? "");

  test("stores nothing and says so", async () => {
    const directory = await filled({ a: 1 });
    const late = open(directory).update(async () => {
      breakIt(directory);
      return { host: { a: "late" }, value: undefined };
    });
    await expect(late).rejects.toMatchObject({ kind: "locked" });
    expect(open(directory).read()).toEqual({ a: 1 });
  });

  test.each([1, 2, 5])(
    "does not undo %i changes made since, even past its last look at the lock",
    async (changes) => {
      const directory = await filled({ a: 0 });
      // The lock is ended between the last look at it and the moment the file gets its name.
      const linkSync: typeof storage.linkSync = (from, to) => {
        if (String(to).endsWith("host.2.json")) {
          breakIt(directory);
          for (let n = 1; n <= changes; n += 1) {
            writeFileSync(join(directory, `host.${n + 1}.json`), encodeGeneration(n + 1, `${n}`));
          }
          if (changes > 3) rmSync(join(directory, "host.2.json"));
        }
        storage.linkSync(from, to);
      };
      const late = put(open(directory, { ...storage, linkSync }), { a: "late" });
      await expect(late).rejects.toMatchObject({ kind: "locked" });
      expect(open(directory).read()).toBe(changes);
    },
  );
});

describe("a damaged store", () => {
  test("is refused by readers and writers, naming the file, with nothing taken for it", async () => {
    const directory = await filled({ a: 1 }, { a: 2 });
    const path = join(directory, "host.2.json");
    const bytes = readFileSync(path);
    bytes[bytes.length - 3] = 0;
    writeFileSync(path, bytes);
    const failure = { kind: "data", message: expect.stringContaining(path) };
    expect(() => open(directory).read()).toThrow(expect.objectContaining(failure));
    await expect(put(open(directory), { a: 3 })).rejects.toMatchObject(failure);
    expect(readFileSync(path)).toEqual(bytes);
  });

  test("in an older generation only is no hindrance", async () => {
    const directory = await filled({ a: 1 }, { a: 2 });
    writeFileSync(join(directory, "host.1.json"), "");
    expect(open(directory).read()).toEqual({ a: 2 });
  });

  test.each<[string, (path: string) => void]>([
    ["a symbolic link", (path) => symlinkSync("/dev/zero", path)],
    ["a directory", (path) => mkdirSync(path)],
    ["empty", (path) => writeFileSync(path, "")],
  ])("is one whose newest generation is %s", async (_what, make) => {
    const directory = await filled({ a: 1 });
    make(join(directory, "host.2.json"));
    expect(() => open(directory).read()).toThrow(expect.objectContaining({ kind: "data" }));
  });

  test("is not emptied by a command that would write", async () => {
    const directory = await filled({ a: 1 });
    writeFileSync(join(directory, "host.1.json"), "");
    await expect(put(open(directory), {})).rejects.toMatchObject({ kind: "data" });
    expect(readdirSync(directory)).toEqual(["host.1.json"]);
  });
});

describe("a reset", () => {
  test("leaves an empty store and no earlier generation", async () => {
    const directory = await filled({ a: 1 }, { a: 2 });
    await open(directory).reset();
    expect(open(directory).read()).toBeNull();
    expect(readdirSync(directory)).toEqual(["host.3.json"]);
  });

  test("empties a damaged store too", async () => {
    const directory = await filled({ a: 1 });
    writeFileSync(join(directory, "host.1.json"), "");
    await open(directory).reset();
    expect(open(directory).read()).toBeNull();
  });
});

describe("a reader", () => {
  test("follows writers that remove the file it was about to read", async () => {
    const directory = await filled(1);
    let lists = 0;
    const readdirSync = ((path: string) => {
      const names = storage.readdirSync(path);
      lists += 1;
      if (lists === 1) {
        writeFileSync(join(directory, "host.2.json"), encodeGeneration(2, "2"));
        rmSync(join(directory, "host.1.json"));
      }
      return names;
    }) as typeof storage.readdirSync;
    expect(open(directory, { ...storage, readdirSync }).read()).toBe(2);
  });
});
