import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { unlockStore } from "../../src/store/care.ts";
import { Store } from "../../src/store/store.ts";
import type { Failure } from "../../src/units/failure.ts";
import { Chance } from "../model/chance.ts";
import { bundledProgram } from "../support/bundled-program.ts";
import { PATIENCE, replay, runs, testSeed } from "../support/sample.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { tally } from "../support/totals.ts";

const FILE = "test/store/processes.test.ts";

let program = "";
const children: ChildProcess[] = [];

beforeAll(async () => {
  program = await bundledProgram(new URL("./store-process.ts", import.meta.url));
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

function start(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [program, ...args], {
    env: { PATH: process.env["PATH"] ?? "" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  return child;
}

/** Numbers that the process printed until it ended, and how it ended. */
async function acknowledged(child: ChildProcess): Promise<{ numbers: number[]; code: unknown }> {
  const chunks: string[] = [];
  child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk.toString()));
  const [code] = await once(child, "close");
  return { numbers: chunks.join("").split("\n").filter(Boolean).map(Number), code };
}

function open(directory: string, notes: string[] = [], lockWaitMs = 0): Store {
  const note = (text: string) => notes.push(text);
  return new Store({ directory, command: "test", lockWaitMs, note });
}

function increment(store: Store): Promise<number> {
  return store.update(async (host) => {
    const next = (typeof host === "number" ? host : 0) + 1;
    return { host: next, value: next };
  });
}

async function holder(directory: string): Promise<ChildProcess> {
  const child = start("hold", directory);
  await once(child.stdout ?? child, "data");
  return child;
}

describe("a process killed at any time", () => {
  test(
    "loses nothing that it acknowledged, and the next command needs no repair",
    async () => {
      const directory = temporaryDirectory("store");
      const chance = new Chance(testSeed());
      const kills = runs(12, 500);
      tally("R1", kills, "writers killed at random times");
      let last = 0;
      for (let round = 0; round < kills; round += 1) {
        const child = start("increment", directory, "1000000");
        const ended = acknowledged(child);
        await once(child.stdout ?? child, "data");
        await new Promise((resolve) => setTimeout(resolve, chance.integer(0, 25)));
        child.kill("SIGKILL");
        const { numbers } = await ended;
        const told = numbers.at(-1) ?? 0;
        const now = await increment(open(directory));
        // At most one change can have become durable without being told.
        const about = `kill ${round}; ${replay(FILE, testSeed())}`;
        expect([told + 1, told + 2], about).toContain(now);
        expect(now, about).toBeGreaterThan(last);
        last = now;
      }
    },
    PATIENCE,
  );
});

describe("the lock of a process", () => {
  test("that was killed is taken over, and that is told", async () => {
    const directory = temporaryDirectory("store");
    const child = await holder(directory);
    child.kill("SIGKILL");
    await once(child, "close");
    const notes: string[] = [];
    expect(await increment(open(directory, notes))).toBe(1);
    expect(notes).toEqual([expect.stringContaining(`process ${child.pid}`)]);
  });

  test("that is stopped is kept, until it is unlocked by its ID", async () => {
    const directory = temporaryDirectory("store");
    const child = await holder(directory);
    child.kill("SIGSTOP");
    const failure = await increment(open(directory, [], 300)).catch((error: Failure) => error);
    expect(failure).toMatchObject({ kind: "locked" });
    const id = /store unlock ([0-9a-f]+)/.exec((failure as Failure).hint ?? "")?.[1] ?? "";
    unlockStore(directory, id);
    expect(await increment(open(directory))).toBe(1);
  });
});
