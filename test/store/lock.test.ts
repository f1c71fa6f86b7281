import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Holder, newHolder } from "../../src/store/holder.ts";
import { acquireLock, breakLock, type HeldLock, lockHolder } from "../../src/store/lock.ts";
import { type Storage, storage } from "../../src/store/storage.ts";
import type { Failure } from "../../src/units/failure.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { systemError } from "./faulty-storage.ts";

/** Above the largest PID that Linux gives (pid_max 2^22). */
const NO_PID = 2 ** 22 + 1;

interface Attempt {
  readonly lock: HeldLock;
  readonly notes: readonly string[];
}

async function take(directory: string, waitMs = 0, files: Storage = storage): Promise<Attempt> {
  const notes: string[] = [];
  const note = (text: string) => notes.push(text);
  const lock = await acquireLock(files, directory, { command: "destroy", waitMs, note });
  return { lock, notes };
}

function refusal(directory: string, waitMs = 0): Promise<Failure> {
  return take(directory, waitMs).then(
    () => expect.unreachable("the lock was given"),
    (failure: Failure) => failure,
  );
}

function leaveLock(directory: string, changes: Partial<Holder>, name = "lock"): Holder {
  const holder = { ...newHolder("populate"), ...changes };
  writeFileSync(join(directory, name), `${JSON.stringify(holder)}\n`);
  return holder;
}

describe("the lock", () => {
  test("is given to one at a time", async () => {
    const directory = temporaryDirectory();
    const { lock } = await take(directory);
    expect((await refusal(directory)).kind).toBe("locked");
    lock.release();
    expect((await take(directory)).lock.isHeld()).toBe(true);
  });

  test("is waited for", async () => {
    const directory = temporaryDirectory();
    const { lock } = await take(directory);
    setTimeout(() => lock.release(), 60);
    expect((await take(directory, 5_000)).lock.isHeld()).toBe(true);
  });

  test("tells who holds it and how to end that", async () => {
    const directory = temporaryDirectory();
    const { lock } = await take(directory);
    const { message, hint } = await refusal(directory);
    expect(message).toContain(`process ${process.pid} on ${hostname()}, since 20`);
    expect(message).toContain(`"destroy" (ID ${lock.id}`);
    expect(hint).toContain(`tdx-sim store unlock ${lock.id}`);
  });

  test("leaves no file behind", async () => {
    const directory = temporaryDirectory();
    const { lock } = await take(directory);
    lock.release();
    expect(readdirSync(directory)).toEqual([]);
  });

  test("is no longer waited for once the user wants to stop", async () => {
    const directory = temporaryDirectory();
    await take(directory);
    const waiting = acquireLock(storage, directory, {
      command: "destroy",
      waitMs: 60_000,
      note: () => {},
      shouldStop: () => true,
    });
    await expect(waiting).rejects.toMatchObject({ kind: "locked" });
  });

  test("works where files cannot be linked", async () => {
    const directory = temporaryDirectory();
    const linkSync = () => {
      throw systemError("EPERM", "link");
    };
    const { lock } = await take(directory, 0, { ...storage, linkSync });
    expect((await refusal(directory)).kind).toBe("locked");
    lock.release();
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe("the lock of another process", () => {
  test.each<[string, Partial<Holder>]>([
    ["that has ended", { pid: NO_PID }],
    ["whose PID belongs to a later process", { startTicks: "1" }],
    ["of an earlier boot", { bootId: "00000000-0000-0000-0000-000000000000" }],
  ])("%s is taken over, and that is told", async (_what, changes) => {
    const directory = temporaryDirectory();
    const dead = leaveLock(directory, changes);
    const { lock, notes } = await take(directory);
    expect(lock.isHeld()).toBe(true);
    expect(notes).toEqual([expect.stringContaining(`ID ${dead.id}, process ${dead.pid}`)]);
    lock.release();
    expect(readdirSync(directory)).toEqual([]);
  });

  test.each<[string, Partial<Holder>]>([
    ["that lives", {}],
    ["on another host", { host: "elsewhere", pid: NO_PID }],
    ["in another PID namespace", { pidNamespace: "pid:[1]", pid: NO_PID }],
  ])("%s is left alone", async (_what, changes) => {
    const directory = temporaryDirectory();
    const { id } = leaveLock(directory, changes);
    expect((await refusal(directory)).hint).toContain(id);
    expect(lockHolder(storage, directory)).toMatchObject({ id, alive: true });
  });

  test("that died while taking over is taken over in turn", async () => {
    const directory = temporaryDirectory();
    const first = leaveLock(directory, { pid: NO_PID });
    leaveLock(directory, { pid: NO_PID }, `lock.after.${first.id}`);
    const { lock } = await take(directory);
    lock.release();
    expect(readdirSync(directory)).toEqual([]);
  });

  test("that died is taken over by one of many only", async () => {
    const directory = temporaryDirectory();
    leaveLock(directory, { pid: NO_PID });
    const attempts = await Promise.allSettled([1, 2, 3, 4, 5].map(() => take(directory)));
    expect(attempts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  test("is not ended by a claim on a chain that has ended meanwhile", async () => {
    const directory = temporaryDirectory();
    leaveLock(directory, { pid: NO_PID });
    // Between this process's look and its claim, another takes over, finishes, and a third locks.
    let claims = 0;
    let third: HeldLock | undefined;
    const linkSync: typeof storage.linkSync = (from, to) => {
      claims += 1;
      if (claims === 1) {
        breakLock(storage, directory, lockHolder(storage, directory)?.id ?? "");
        leaveLock(directory, {});
        third = { id: lockHolder(storage, directory)?.id ?? "" } as HeldLock;
      }
      storage.linkSync(from, to);
    };
    await expect(take(directory, 0, { ...storage, linkSync })).rejects.toMatchObject({
      kind: "locked",
    });
    expect(lockHolder(storage, directory)?.id).toBe(third?.id);
    expect(readdirSync(directory)).toEqual(["lock"]);
  });

  test("without content, as a power loss leaves it, is taken over", async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "lock"), "");
    const { lock } = await take(directory);
    lock.release();
    expect(readdirSync(directory)).toEqual([]);
  });

  test("with content that means nothing is left alone until it is unlocked", async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "lock"), "who knows\n");
    expect((await refusal(directory)).hint).toContain("store unlock unreadable");
    breakLock(storage, directory, "unreadable");
    expect((await take(directory)).lock.isHeld()).toBe(true);
  });
});

describe("unlocking by force", () => {
  test("ends the lock with that ID, whose holder then no longer holds it", async () => {
    const directory = temporaryDirectory();
    const { lock } = await take(directory);
    breakLock(storage, directory, lock.id);
    expect(lock.isHeld()).toBe(false);
    const { lock: next } = await take(directory);
    lock.release();
    expect(next.isHeld()).toBe(true);
  });

  test("refuses any other ID and leaves the lock as it was", async () => {
    const directory = temporaryDirectory();
    const { lock } = await take(directory);
    const before = readFileSync(join(directory, "lock"), "utf8");
    expect(() => breakLock(storage, directory, "000000000000")).toThrow(
      expect.objectContaining({ kind: "usage", hint: expect.stringContaining(lock.id) }),
    );
    expect(readFileSync(join(directory, "lock"), "utf8")).toBe(before);
  });

  test("of a lock that is free has nothing to end", () => {
    expect(() => breakLock(storage, temporaryDirectory(), "000000000000")).toThrow(
      expect.objectContaining({ kind: "no-input" }),
    );
  });
});
