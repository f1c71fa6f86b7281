import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { runCli, spawnCli } from "../support/cli.ts";
import { temporaryDirectory } from "../support/temporary.ts";

/** Enough SEAMCALLs one by one to be interrupted among them on any machine. */
const LARGE = ["--memory", "64G"];

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

/** When it begins to read cannot be seen from outside; before and after it the signal ends it. */
async function untilGone(child: ChildProcess): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    await setTimeout(250);
    child.kill("SIGINT");
  }
}

/** Sends signals once the first line of progress shows that work is under way. */
async function interrupt(child: ChildProcess, ...signals: NodeJS.Signals[]): Promise<Ended> {
  const chunks: Buffer[] = [];
  child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stdin?.end();
  child.stdout?.resume();
  await once(child.stderr ?? child, "data");
  for (const signal of signals) child.kill(signal);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stderr: Buffer.concat(chunks).toString() };
}

describe("a signal", () => {
  test("ends a program that waits for its input", async () => {
    const child = spawnCli(["run", "-"]);
    const [[code, signal]] = await Promise.all([once(child, "close"), untilGone(child)]);
    expect([130, "SIGINT"]).toContain(code ?? signal);
  });

  test.each<[NodeJS.Signals, number]>([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ])("%s ends long work with %i and one line", async (signal, code) => {
    const args = ["destroy", ...LARGE, "--step", "--progress", "always"];
    const ended = await interrupt(spawnCli(args), signal);
    expect(ended.code).toBe(code);
    expect(ended.stderr).toMatch(/tdx-sim: interrupted; nothing was stored\n$/);
  });

  test("leaves a stored TD between two SEAMCALLs, from where destroy finishes", async () => {
    const store = temporaryDirectory("store");
    await runCli(["create", "a", ...LARGE], { store });
    await runCli(["populate", "a"], { store });
    const whole = await runCli(["destroy", ...LARGE, "--hint", "--format", "json"]);

    const args = ["destroy", "a", "--hint", "--step", "--progress", "always"];
    const { code, stderr } = await interrupt(spawnCli(args, { store }), "SIGINT");
    expect(code).toBe(130);
    expect(stderr).toContain("hint: tdx-sim destroy a --strategy hint finishes it");

    const rest = await runCli(["destroy", "a", "--hint", "--format", "json"], { store });
    expect(rest.code).toBe(0);
    const strategies = ({ stdout }: { stdout: string }) => JSON.parse(stdout).strategies;
    expect(strategies(rest)).toEqual(strategies(whole));
  });
});
