import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { type Holder, newHolder } from "../../src/store/holder.ts";
import { acquireLock, breakLock, type HeldLock } from "../../src/store/lock.ts";
import { storage } from "../../src/store/storage.ts";
import { Failure } from "../../src/units/failure.ts";
import { Chance } from "../model/chance.ts";
import { PATIENCE, replay, testSeed } from "../support/sample.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { tally } from "../support/totals.ts";

const FILE = "test/store/lock-holders.test.ts";
const TIMES = 50;
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** A process of which nothing is asked but to be there. */
function start(): ChildProcess & { pid: number } {
  const child = spawn("sleep", ["600"], { stdio: "ignore" });
  children.push(child);
  if (child.pid === undefined) throw new Error("no process could be started");
  return child as ChildProcess & { pid: number };
}

function startTicks(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

/** Leaves the lock of such a holder, now and then after others that died while they took it over. */
function leaveLock(directory: string, holder: Partial<Holder>, chance: Chance): Holder {
  let name = "lock";
  for (let dead = chance.integer(0, 2); dead > 0; dead -= 1) {
    const { id } = write(directory, name, { pid: 2 ** 22 + dead });
    name = `lock.after.${id}`;
  }
  return write(directory, name, holder);
}

function write(directory: string, name: string, changes: Partial<Holder>): Holder {
  const holder = { ...newHolder("destroy"), ...changes };
  writeFileSync(join(directory, name), `${JSON.stringify(holder)}\n`);
  return holder;
}

async function take(directory: string): Promise<{ lock: HeldLock; notes: string[] } | Failure> {
  const notes: string[] = [];
  const request = { command: "test", waitMs: 0, note: (text: string) => notes.push(text) };
  try {
    return { lock: await acquireLock(storage, directory, request), notes };
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

async function expectTakenOver(directory: string, { id }: Holder, about: string): Promise<void> {
  const taken = await take(directory);
  expect(taken, about).toMatchObject({ notes: [expect.stringContaining(`ID ${id}`)] });
  if (!(taken instanceof Failure)) expect(taken.lock.isHeld(), about).toBe(true);
}

/** Waiting changes nothing, nor does another ID: the lock ends by its own. */
async function expectKept(directory: string, { id }: Holder, about: string): Promise<void> {
  const refused = { kind: "locked", hint: expect.stringContaining(`store unlock ${id}`) };
  expect(await take(directory), about).toMatchObject(refused);
  expect(() => breakLock(storage, directory, "000000000000"), about).toThrow(Failure);
  expect(await take(directory), about).toMatchObject(refused);
  breakLock(storage, directory, id);
  expect(await take(directory), about).toMatchObject({ notes: [] });
}

async function repeat(
  how: (chance: Chance, directory: string, about: string) => Promise<void>,
): Promise<void> {
  const chance = new Chance(testSeed());
  tally("R9", TIMES, "locks of holders that are killed, stopped, not the same, elsewhere");
  for (let time = 0; time < TIMES; time += 1) {
    await how(chance, temporaryDirectory("lock"), `time ${time}; ${replay(FILE, testSeed())}`);
  }
}

describe.runIf(process.platform === "linux")("the lock of a process", () => {
  test("that is killed is kept until then, and taken over after", { timeout: PATIENCE }, () =>
    repeat(async (chance, directory, about) => {
      const child = start();
      const identity = { pid: child.pid, startTicks: startTicks(child.pid) };
      const holder = leaveLock(directory, identity, chance);
      expect(await take(directory), about).toMatchObject({ kind: "locked" });
      child.kill("SIGKILL");
      await once(child, "exit");
      await expectTakenOver(directory, holder, about);
    }),
  );

  test("that is stopped is kept until it is unlocked by its ID", { timeout: PATIENCE }, () =>
    repeat(async (chance, directory, about) => {
      const child = start();
      child.kill("SIGSTOP");
      const identity = { pid: child.pid, startTicks: startTicks(child.pid) };
      await expectKept(directory, leaveLock(directory, identity, chance), about);
      child.kill("SIGKILL");
    }),
  );

  test("whose PID another has now is taken over", { timeout: PATIENCE }, () =>
    repeat(async (chance, directory, about) => {
      const child = start();
      const earlier = String(Number(startTicks(child.pid)) - chance.integer(1, 1_000_000));
      const identity = { pid: child.pid, startTicks: earlier };
      await expectTakenOver(directory, leaveLock(directory, identity, chance), about);
      child.kill("SIGKILL");
    }),
  );

  test("of another host is kept until it is unlocked by its ID", { timeout: PATIENCE }, () =>
    repeat(async (chance, directory, about) => {
      const identity = { host: `host-${chance.integer(0, 999)}`, pid: chance.integer(1, 2 ** 23) };
      await expectKept(directory, leaveLock(directory, identity, chance), about);
    }),
  );
});
