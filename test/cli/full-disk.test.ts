import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { bundledProgram } from "../support/bundled-program.ts";
import type { FullDiskRound } from "../support/full-disk-process.ts";
import { PATIENCE, replay, runs, testSeed } from "../support/sample.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { tally } from "../support/totals.ts";

const FILE = "test/cli/full-disk.test.ts";
const ROUNDS = runs(15, 50);
const LAUNCHER = fileURLToPath(new URL("../../bin/tdx-sim.cjs", import.meta.url));

/** Runs a command with a tmpfs of 64 KiB at `directory`, which nobody else sees. */
function onSmallDisk(directory: string, command: readonly string[]) {
  const mount = 'mount -t tmpfs -o size=64k,nr_inodes=24 none "$0" && exec "$@"';
  const asRoot = process.getuid?.() === 0 ? [] : ["--map-root-user"];
  return spawnSync("unshare", ["--mount", ...asRoot, "sh", "-c", mount, directory, ...command], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"] ?? "" },
  });
}

test(
  "a full file system fails the command with path and errno, and costs nothing that was stored",
  async ({ skip }) => {
    const directory = temporaryDirectory("disk");
    const { status, stderr } = onSmallDisk(directory, ["true"]);
    if (status !== 0) skip(`no file system can be mounted here: ${stderr ?? "no unshare"}`);
    const seed = testSeed();
    const program = await bundledProgram(
      new URL("../support/full-disk-process.ts", import.meta.url),
    );
    tally("R6", ROUNDS, "commands on a full file system");
    const args = [program, directory, String(seed), String(ROUNDS), LAUNCHER];
    const ran = onSmallDisk(directory, [process.execPath, ...args]);
    expect(ran).toMatchObject({ status: 0, stderr: "" });
    const rounds = ran.stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as FullDiskRound);
    expect(rounds).toHaveLength(ROUNDS);
    for (const round of rounds) {
      const about = `${JSON.stringify(round)}; ${replay(FILE, seed)}`;
      expect(round.faultsAfter, about).toEqual([]);
      expect(round.temporaryFiles, about).toBeLessThanOrEqual(1);
      if (round.code === 0) continue;
      expect(round.code, about).toBe(74);
      expect(round.stderr, about).toMatch(/^tdx-sim: cannot .*\/store.*\(ENOSPC\)$/m);
      expect(round.isUnchanged, about).toBe(true);
    }
    const codes = rounds.map(({ code }) => code);
    expect(codes.filter((code) => code === 0).length).toBeGreaterThan(0);
    expect(codes.filter((code) => code === 74).length).toBeGreaterThan(5);
  },
  PATIENCE,
);
