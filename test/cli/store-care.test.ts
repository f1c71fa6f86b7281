import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { acquireLock } from "../../src/store/lock.ts";
import { storage } from "../../src/store/storage.ts";
import { runCli } from "../support/cli.ts";
import { temporaryDirectory } from "../support/temporary.ts";

async function stored(...names: string[]): Promise<string> {
  const store = temporaryDirectory("store");
  for (const name of names) await runCli(["create", name, "--memory", "1M"], { store });
  return store;
}

function damage(store: string, generation: number): string {
  const path = join(store, `host.${generation}.json`);
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  return path;
}

describe("where the store is", () => {
  test("--store comes before TDX_SIM_STORE, and next steps name it", async () => {
    const cwd = temporaryDirectory();
    const store = temporaryDirectory("unused");
    const args = ["create", "a", "--memory", "1M", "--store", "my store"];
    const { stderr } = await runCli(args, { cwd, store });
    expect(stderr).toBe("next: tdx-sim populate a --store 'my store'\n");
    expect(readdirSync(join(cwd, "my store"))).toEqual(["host.1.json"]);
    expect(readdirSync(store)).toEqual([]);
  });

  test("is the XDG state directory, made for its owner alone", async () => {
    const state = join(temporaryDirectory(), "state");
    const env = { TDX_SIM_STORE: undefined, XDG_STATE_HOME: state };
    await runCli(["create", "a", "--memory", "1M"], { env });
    expect(statSync(join(state, "tdx-sim")).mode & 0o777).toBe(0o700);
    expect(existsSync(join(state, "tdx-sim", "host.1.json"))).toBe(true);
  });

  test.each(["list", "compare --memory 1M", "store check", "destroy nobody", "reset --yes"])(
    "is not made by %s",
    async (line) => {
      const store = join(temporaryDirectory(), "none");
      await runCli(line.split(" "), { store });
      expect(existsSync(store)).toBe(false);
    },
  );
});

describe("a damaged store", () => {
  test.each(["list", "show a", "create b", "populate a", "destroy a", "compare a", "compare"])(
    "makes %s exit 65 and name the file, and stays as it is",
    async (line) => {
      const store = await stored("a");
      const path = damage(store, 1);
      const before = readFileSync(path);
      const { code, stdout, stderr } = await runCli(line.split(" "), { store });
      expect(code).toBe(65);
      expect(stdout).toBe("");
      expect(stderr).toContain(path);
      expect(stderr).toContain("store repair");
      expect(readFileSync(path)).toEqual(before);
    },
  );

  test("is told by store check, whichever generation it is", async () => {
    const store = await stored("a", "b", "c");
    expect((await runCli(["store", "check"], { store })).code).toBe(0);
    const path = damage(store, 2);
    const { code, stdout, stderr } = await runCli(["store", "check", "-f", "json"], { store });
    expect(code).toBe(65);
    expect(stderr).toContain(path);
    expect(JSON.parse(stdout).generations).toMatchObject([
      { generation: 3, state: "good" },
      { generation: 2, state: "damaged" },
      { generation: 1, state: "good" },
    ]);
  });

  test("is repaired to the last good generation, the damaged file kept", async () => {
    const store = await stored("a", "b");
    damage(store, 2);
    const { code, stderr } = await runCli(["store", "repair"], { store });
    expect(code).toBe(0);
    expect(stderr).toContain("restored generation 1");
    expect(stderr).toContain("host.2.json.damaged");
    const { stdout } = await runCli(["list", "-f", "json"], { store });
    expect(JSON.parse(stdout)).toMatchObject([{ name: "a" }]);
  });

  test("can be emptied", async () => {
    const store = await stored("a");
    damage(store, 1);
    expect((await runCli(["reset", "--yes"], { store })).code).toBe(0);
    expect((await runCli(["list", "-f", "json"], { store })).stdout).toBe("[]\n");
  });
});

describe("a locked store", () => {
  const request = { command: "destroy", waitMs: 0, note: () => {} };

  test("is read all the same", async () => {
    const store = await stored("a");
    const lock = await acquireLock(storage, store, request);
    expect((await runCli(["show", "a"], { store })).code).toBe(0);
    lock.release();
  });

  test("makes writers exit 75 after ten seconds, until it is unlocked", async () => {
    const store = await stored("a");
    const lock = await acquireLock(storage, store, request);
    const begun = performance.now();
    const { code, stderr } = await runCli(["destroy", "a"], { store });
    expect(code).toBe(75);
    expect(performance.now() - begun).toBeGreaterThan(9_500);
    expect(stderr).toContain(`process ${process.pid}`);
    expect(stderr).toContain(`hint: try again; if that hangs: tdx-sim store unlock ${lock.id}`);

    expect((await runCli(["store", "unlock", "000000000000"], { store })).code).toBe(64);
    expect((await runCli(["store", "unlock", lock.id], { store })).code).toBe(0);
    expect((await runCli(["destroy", "a"], { store })).code).toBe(0);
    expect((await runCli(["store", "unlock", lock.id], { store })).code).toBe(66);
  });

  test("is waited for", async () => {
    const store = await stored("a");
    const lock = await acquireLock(storage, store, request);
    setTimeout(() => lock.release(), 500);
    expect((await runCli(["destroy", "a"], { store })).code).toBe(0);
  });

  test("whose holder died is taken over with a note", async () => {
    const store = await stored("a");
    const lock = { ...JSON.parse(await lockText(store)), pid: 2 ** 22 + 1 };
    writeFileSync(join(store, "lock"), JSON.stringify(lock));
    const { code, stderr } = await runCli(["destroy", "a"], { store });
    expect(code).toBe(0);
    expect(stderr).toContain("note: took over the store's lock");
    expect(readdirSync(store).filter((name) => name.startsWith("lock"))).toEqual([]);
  });

  async function lockText(store: string): Promise<string> {
    const lock = await acquireLock(storage, store, request);
    const text = readFileSync(join(store, "lock"), "utf8");
    lock.release();
    return text;
  }
});

describe("commands at the same time", () => {
  test("make each TD once and share the HKIDs", async () => {
    const store = join(temporaryDirectory(), "store");
    mkdirSync(store);
    const all = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        runCli(["create", `td-${at % 4}`, "--memory", "1M"], { store }),
      ),
    );
    expect(all.map(({ code }) => code).sort()).toEqual([0, 0, 0, 0, 69, 69, 69, 69]);
    const tds = JSON.parse((await runCli(["list", "-f", "json"], { store })).stdout) as {
      name: string;
      hkid: number;
    }[];
    expect(new Set(tds.map(({ name }) => name)).size).toBe(4);
    expect(new Set(tds.map(({ hkid }) => hkid)).size).toBe(4);
  });
});
