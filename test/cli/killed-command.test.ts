import { once } from "node:events";
import { cpSync } from "node:fs";
import { expect, test } from "vitest";
import { Chance } from "../model/chance.ts";
import { runCli, spawnCli } from "../support/cli.ts";
import { needsRepair, storeState } from "../support/judged-store.ts";
import { PATIENCE, replay, runs, testSeed } from "../support/sample.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { tally } from "../support/totals.ts";

const FILE = "test/cli/killed-command.test.ts";
/** Commands at the same time, as many as the tests count on processors. */
const AT_ONCE = 2;

interface Command {
  readonly args: readonly string[];
  /** What the store holds when it has come to its end. */
  readonly after: string;
  readonly durationMs: number;
}

function copyOf(store: string): string {
  const copy = temporaryDirectory("copy");
  cpSync(store, copy, { recursive: true });
  return copy;
}

async function measure(args: readonly string[], before: string): Promise<Command> {
  const store = copyOf(before);
  const begun = performance.now();
  expect(await runCli(args, { store })).toMatchObject({ code: 0 });
  return { args, after: storeState(store), durationMs: performance.now() - begun };
}

/** Half of a command is node's start: most are killed later, some after their end. */
function randomDelay(chance: Chance, { durationMs }: Command): number {
  const [from, to] = chance.is(0.25) ? [0, 0.5] : [0.5, 1.1];
  return durationMs * (from + (to - from) * chance.next());
}

async function killOnce(
  before: string,
  { args, after }: Command,
  delayMs: number,
  seed: number,
): Promise<"before" | "after"> {
  const about = `${args.join(" ")} killed after ${delayMs} ms; ${replay(FILE, seed)}`;
  const store = copyOf(before);
  const child = spawnCli(args, { store });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), delayMs);
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(timer);
  const acknowledged = code === 0 || said !== "";
  const state = storeState(store);
  expect(acknowledged ? [after] : [storeState(before), after], about).toContain(state);
  expect(await needsRepair(store), about).toEqual([]);
  return state === after ? "after" : "before";
}

test(
  "a command killed at any time leaves the store before it or after it, never between",
  async () => {
    const seed = testSeed();
    const chance = new Chance(seed);
    const before = temporaryDirectory("before");
    await runCli(["create", "web", "--memory", "16M", "--vcpus", "1"], { store: before });
    await runCli(["populate", "web", "--populated", "4M"], { store: before });
    const commands = [
      await measure(["create", "other", "--memory", "1M"], before),
      await measure(["populate", "web", "--populated", "8M"], before),
      await measure(["destroy", "web", "--strategy", "runtime"], before),
    ];
    const kills = runs(200, 5000);
    tally("R1", kills, "commands killed at random times");
    const ends: string[] = [];
    for (let done = 0; done < kills; done += AT_ONCE) {
      const some = Array.from({ length: AT_ONCE }, () => {
        const command = chance.pick(commands);
        return killOnce(before, command, randomDelay(chance, command), seed);
      });
      ends.push(...(await Promise.all(some)));
    }
    // Kills that all come too early or too late show nothing.
    expect(new Set(ends)).toEqual(new Set(["before", "after"]));
  },
  PATIENCE,
);
