import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { bundledProgram } from "../support/bundled-program.ts";
import { calmFaults } from "../support/calm-result.ts";
import { Impatience, runInProcess } from "../support/cli-in-process.ts";
import { PATIENCE, replay, runs, testSeed } from "../support/sample.ts";
import { memoryDirectory } from "../support/temporary.ts";
import { tally } from "../support/totals.ts";

const FILE = "test/cli/symlink-swap.test.ts";
const SWAPS = runs(200, 1000);
/** How long a command waits for a lock that the swaps have left behind. */
const PATIENCE_MS = 60;
const COMMANDS = [
  ["create", "web", "--memory", "64K", "--vcpus", "1"],
  ["populate", "web"],
  ["destroy", "web"],
  ["reset", "--yes"],
  ["store", "repair"],
];
/** What the program may make where a link in place of its directory leads (R13). */
const OF_A_STORE = /^(lock[\w.]*|host\.\d+\.json[\w.]*)$/;

test(
  "no file that a link in place of the store's leads to is changed",
  async () => {
    const outer = memoryDirectory("swap");
    const [store, victims] = [join(outer, "store"), join(outer, "victims")];
    mkdirSync(store);
    mkdirSync(victims);
    const bytes: Record<string, string> = { "notes.txt": "what nobody may lose\n", empty: "" };
    for (const [name, text] of Object.entries(bytes)) writeFileSync(join(victims, name), text);
    const environment = { HOME: outer, TDX_SIM_STORE: store };
    // The first run of each command loads it: longer than some swaps last.
    for (const command of COMMANDS) await runInProcess(command, environment);
    const program = await bundledProgram(new URL("../support/symlink-swapper.ts", import.meta.url));
    const seed = testSeed();
    const args = [program, store, victims, String(seed), String(SWAPS)];
    const swapper = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
    onTestFinished(() => void swapper.kill("SIGKILL"));
    let isOver = false;
    const over = once(swapper, "close").then(() => {
      isOver = true;
    });
    const endings = { done: 0, refused: 0 };
    for (let turn = 0; !isOver; turn++) {
      // Commands that need not wait would keep the news of the other process's end out.
      await nextTurn();
      const command = COMMANDS[turn % COMMANDS.length] ?? [];
      const result = await runInProcess(command, environment, new Impatience(PATIENCE_MS));
      const about = `${command.join(" ")}\n${result.stderr}${replay(FILE, seed)}`;
      expect(calmFaults(result).faults, about).toEqual([]);
      for (const [name, text] of Object.entries(bytes)) {
        expect(readFileSync(join(victims, name), "utf8"), about).toBe(text);
      }
      endings[result.code === 0 ? "done" : "refused"] += 1;
      // A lock that came back after its end would keep all others out.
      if (result.code === 75 || result.code === 130) {
        rmSync(join(store, "lock"), { force: true });
        rmSync(join(victims, "lock"), { force: true });
      }
    }
    await over;
    const made = readdirSync(victims).filter((name) => bytes[name] === undefined);
    expect(made.filter((name) => !OF_A_STORE.test(name))).toEqual([]);
    // Both went on at the same time: commands wrote, and met links.
    expect(endings.done).toBeGreaterThan(SWAPS / 20);
    expect(endings.refused).toBeGreaterThan(0);
    tally("S5", SWAPS, "links in place of the store's files");
  },
  PATIENCE,
);
