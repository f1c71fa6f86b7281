import { once } from "node:events";
import { cpSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Chance } from "../model/chance.ts";
import { runCli, spawnCli } from "../support/cli.ts";
import { runOnStore } from "../support/cli-in-process.ts";
import { storeState } from "../support/judged-store.ts";
import { PATIENCE, replay, runs, testSeed } from "../support/sample.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { tally } from "../support/totals.ts";

const FILE = "test/cli/interrupted-destroy.test.ts";

/** Ends of a long destroy that a signal may have, and whether it may leave a TD half torn down. */
const ENDS = {
  SIGINT: { codes: [0, 130, "SIGINT"], mayBePart: true },
  SIGTERM: { codes: [0, 143, "SIGTERM"], mayBePart: true },
  // Not listened for, so it ends the process as it would any other.
  SIGHUP: { codes: [0, "SIGHUP"], mayBePart: false },
  // Its reader went away: the work is done all the same, once node has started.
  SIGPIPE: { codes: [0, "SIGPIPE"], mayBePart: false },
} as const;

describe("at any time of a long destroy", () => {
  const destroy = ["destroy", "big", "--strategy", "runtime"];

  async function bigStore(): Promise<string> {
    const store = temporaryDirectory("store");
    await runCli(["create", "big", "--memory", "1G", "--vcpus", "1"], { store });
    await runCli(["populate", "big"], { store });
    return store;
  }

  function copyOf(store: string): string {
    const copy = temporaryDirectory("copy");
    cpSync(store, copy, { recursive: true });
    return copy;
  }

  /** Sends the signal so late and tells how the process ended. */
  async function interruptAfter(store: string, signal: keyof typeof ENDS, delayMs: number) {
    const child = spawnCli([...destroy, "--step"], { store });
    const errors: Buffer[] = [];
    child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
    child.stdin.end();
    if (signal !== "SIGPIPE") child.stdout.resume();
    const timer = setTimeout(() => {
      child.kill(signal);
      if (signal === "SIGPIPE") child.stdout.destroy();
    }, delayMs);
    const [code, by] = (await once(child, "close")) as [number | null, string | null];
    clearTimeout(timer);
    return { end: code ?? by, stderr: Buffer.concat(errors).toString() };
  }

  test.each(["SIGINT", "SIGTERM", "SIGHUP", "SIGPIPE"] as const)(
    "%s leaves what the same command finishes, with the same counts",
    async (signal) => {
      const seed = testSeed();
      const chance = new Chance(seed);
      const store = await bigStore();
      const [begun, whole] = [performance.now(), copyOf(store)];
      const report = await runCli([...destroy, "--step", "--format", "json"], { store: whole });
      const durationMs = performance.now() - begun;
      const [before, after] = [storeState(store), storeState(whole)];
      const times = runs(3, 100);
      let interrupted = 0;
      tally("R14", times, "long commands that get a signal");
      for (let time = 0; time < times; time += 1) {
        const delayMs = durationMs * (0.2 + 0.8 * chance.next());
        const about = `${signal} after ${delayMs} ms; ${replay(FILE, seed)}`;
        const copy = copyOf(store);
        const { end, stderr } = await interruptAfter(copy, signal, delayMs);
        expect(ENDS[signal].codes, about).toContain(end);
        interrupted += end === 0 ? 0 : 1;
        expect(stderr, about).not.toMatch(/^\s+at /m);
        const state = storeState(copy);
        if (end === 0) expect(state, about).toBe(after);
        else if (!ENDS[signal].mayBePart) expect([before, after], about).toContain(state);
        if (state === after) continue;
        const rest = await runOnStore([...destroy, "--format", "json"], copy);
        expect(rest.code, about).toBe(0);
        const strategies = ({ stdout }: { stdout: string }) => JSON.parse(stdout).strategies;
        expect(strategies(rest), about).toEqual(strategies(report));
        expect(storeState(copy), about).toBe(after);
      }
      // Signals that all come too late show nothing.
      if (signal !== "SIGPIPE") expect(interrupted).toBeGreaterThan(times / 10 - 1);
    },
    PATIENCE,
  );
});
