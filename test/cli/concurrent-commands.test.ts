import { spawn } from "node:child_process";
import { once } from "node:events";
import { beforeAll, expect, test } from "vitest";
import { Chance } from "../model/chance.ts";
import { bundledProgram } from "../support/bundled-program.ts";
import { type CommandRecord, historyFaults } from "../support/concurrent/history.ts";
import { PATIENCE, replay, runs, testSeed } from "../support/sample.ts";
import { memoryDirectory } from "../support/temporary.ts";
import { tally } from "../support/totals.ts";

const FILE = "test/cli/concurrent-commands.test.ts";
const PROCESSES = 32;
const OPERATIONS = runs(20, 50);
const NAMES = ["a", "b", "c", "d", "e", "f"];
const DEADLOCK_MS = 120_000;
const PATIENCE_MS = Math.max(PATIENCE, 2 * DEADLOCK_MS);

let program = "";

beforeAll(async () => {
  program = await bundledProgram(
    new URL("../support/concurrent/command-process.ts", import.meta.url),
  );
});

function randomLine(chance: Chance): string[] {
  const name = chance.pick(NAMES);
  const [create, destroy] = [
    ["create", name, "--memory", "64K", "--vcpus", "1"],
    ["destroy", name, "--strategy", chance.pick(["hint", "runtime", "exit"])],
  ];
  if (chance.is(0.04)) return ["reset", "--yes"];
  const list = ["list", "--format", "json"];
  return chance.pick([create, create, ["populate", name], destroy, list, ["show", name]]);
}

/** What the process said, one JSON value a line; rejects when it does not end well, and in time. */
async function runProcess<T>(
  args: readonly string[],
  input: string | Promise<unknown>,
  timeout = DEADLOCK_MS,
): Promise<T[]> {
  const child = spawn(process.execPath, [program, ...args], {
    env: { PATH: process.env["PATH"] ?? "" },
    stdio: ["pipe", "pipe", "inherit"],
    timeout,
    killSignal: "SIGKILL",
  });
  const output: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  if (typeof input === "string") child.stdin.write(input);
  else await input;
  child.stdin.end();
  const [code, signal] = await once(child, "close");
  if (code !== 0) throw new Error(`a process ended with ${code ?? signal}`);
  const lines = Buffer.concat(output).toString().split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as T);
}

interface Read {
  readonly reads: number;
  readonly faults: readonly string[];
}

interface Written {
  readonly commands: number;
  readonly failures: readonly string[];
}

/** A round's command lines, the same for the same seed; when they meet is up to the machine. */
async function playRound(chance: Chance, store: string): Promise<CommandRecord[]> {
  const lines = Array.from({ length: PROCESSES }, () =>
    Array.from({ length: OPERATIONS }, () => randomLine(chance)),
  );
  const run = (own: string[][]) =>
    runProcess<CommandRecord>(["commands", store], JSON.stringify(own));
  return (await Promise.all(lines.map(run))).flat();
}

test(
  "commands of 32 processes on one store take effect one after the other",
  async () => {
    const seed = testSeed();
    const chance = new Chance(seed);
    const rounds = runs(1, 50);
    tally("R7", rounds * PROCESSES * OPERATIONS, "commands of 32 processes");
    for (let round = 0; round < rounds; round += 1) {
      const store = memoryDirectory();
      const records = await playRound(chance, store);
      const about = `round ${round}; ${replay(FILE, seed)}`;
      expect(records, about).toHaveLength(PROCESSES * OPERATIONS);
      const written = records.filter(({ generation }) => generation !== null).length;
      expect(written, about).toBeGreaterThan(OPERATIONS);
      expect(historyFaults(records), about).toEqual([]);
      // Waiting ten seconds in vain is no mistake, but it must be rare.
      const locked = records.filter(({ code }) => code === 75).length;
      expect(locked, about).toBeLessThan(records.length / 20);
    }
  },
  PATIENCE_MS,
);

test(
  "16 readers of a store that 4 processes write see whole and sound states only",
  async () => {
    const store = memoryDirectory();
    const [seconds, least] = [runs(3, 60), runs(10, 700)];
    const readers = Array.from({ length: 16 }, () =>
      runProcess<Read>(["read", store, String(seconds), String(least)], "", PATIENCE_MS),
    );
    const untilRead = Promise.allSettled(readers);
    const writers = Array.from({ length: 4 }, (_, at) =>
      runProcess<Written>(["write", store, `w${at}`], untilRead, PATIENCE_MS),
    );
    const wrote = (await Promise.all(writers)).flat();
    const read = (await Promise.all(readers)).flat();
    const reads = read.reduce((sum, { reads: own }) => sum + own, 0);
    tally("R8", reads, "reads while 4 processes write");
    expect(read.flatMap(({ faults }) => faults)).toEqual([]);
    expect(wrote.flatMap(({ failures }) => failures)).toEqual([]);
    expect(reads).toBeGreaterThanOrEqual(runs(100, 10_000));
    expect(wrote.reduce((sum, { commands }) => sum + commands, 0)).toBeGreaterThan(runs(8, 200));
  },
  PATIENCE_MS,
);
