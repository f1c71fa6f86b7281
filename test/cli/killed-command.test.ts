import { once } from "node:events";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Store } from "../../src/store/store.ts";
import { Chance } from "../model/chance.ts";
import { runCli, spawnCli } from "../support/cli.ts";
import { PATIENCE, replay, runs, testSeed } from "../support/sample.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const FILE = "test/cli/killed-command.test.ts";
const COMMANDS = [
  { args: ["create", "other", "--memory", "1M"] },
  { args: ["populate", "web", "--populated", "8M"] },
  { args: ["destroy", "web", "--strategy", "runtime", "--step"] },
] as const;

function hostIn(store: string): string {
  return JSON.stringify(new Store({ directory: store, command: "test" }).read());
}

test(
  "a command killed at any time leaves the store before it or after it, never between",
  async () => {
    const seed = testSeed();
    const chance = new Chance(seed);
    const before = temporaryDirectory("before");
    await runCli(["create", "web", "--memory", "16M", "--vcpus", "1"], { store: before });
    await runCli(["populate", "web", "--populated", "4M"], { store: before });
    for (let round = 0; round < runs(12, 5000); round++) {
      const { args } = COMMANDS[round % COMMANDS.length] as (typeof COMMANDS)[number];
      const whole = temporaryDirectory("whole");
      const killed = temporaryDirectory("killed");
      for (const store of [whole, killed]) cpSync(before, join(store, "s"), { recursive: true });
      const [after, store] = [join(whole, "s"), join(killed, "s")];
      const done = runCli(args, { store: after });
      const child = spawnCli(args, { store });
      const code = once(child, "close").then(([exitCode]) => exitCode as number | null);
      const delayMs = chance.integer(20, 260);
      const timer = setTimeout(() => child.kill("SIGKILL"), delayMs);
      const acknowledged = (await code) === 0;
      clearTimeout(timer);
      await done;
      const about = `${args.join(" ")} killed after ${delayMs} ms; ${replay(FILE, seed)}`;
      expect(acknowledged ? [hostIn(after)] : [hostIn(before), hostIn(after)], about).toContain(
        hostIn(store),
      );
      const next = await runCli(["list", "--format", "json"], { store });
      expect(next.code, about).toBe(0);
    }
  },
  PATIENCE,
);
