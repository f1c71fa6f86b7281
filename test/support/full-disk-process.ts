/**
 * A process that runs commands in a file system of 64 KiB that is as good as full, and prints how
 * each ended, a line of JSON each.
 *
 *     DIR SEED ROUNDS LAUNCHER
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Chance } from "../model/chance.ts";
import { runOnStore } from "./cli-in-process.ts";
import { needsRepair, storeState } from "./judged-store.ts";

export interface FullDiskRound {
  readonly line: string;
  /** What was left when the command began. */
  readonly freeBytes: number;
  readonly freeFiles: number;
  readonly code: number;
  readonly stderr: string;
  readonly isUnchanged: boolean;
  readonly temporaryFiles: number;
  /** Once there is room again. */
  readonly faultsAfter: readonly string[];
}

const LINES = [
  "create other --memory 1M --vcpus 1",
  "populate web",
  "destroy web --strategy hint",
  "punch web --size 16K",
  "reset --yes",
];

function fill(directory: string, chance: Chance): void {
  const isOfFiles = chance.is(0.3);
  const { bavail, bsize, ffree } = statfsSync(directory);
  const freeBlocks = isOfFiles ? bavail : Math.min(bavail, chance.integer(0, 5));
  const freeFiles = isOfFiles ? chance.integer(0, 3) : ffree - 1;
  writeFileSync(join(directory, "filler"), Buffer.alloc((bavail - freeBlocks) * bsize));
  for (let n = 1; n < ffree - freeFiles; n += 1) writeFileSync(join(directory, `filler-${n}`), "");
}

async function round(directory: string, chance: Chance, launcher: string): Promise<FullDiskRound> {
  for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true });
  const store = join(directory, "store");
  await runOnStore("create web --memory 64K --vcpus 1".split(" "), store);
  await runOnStore("populate web --populated 32K".split(" "), store);
  const newest = join(store, "host.2.json");
  const before = [storeState(store), readFileSync(newest, "latin1")];
  fill(directory, chance);
  const { bavail, bsize, ffree } = statfsSync(directory);
  const line = chance.pick(LINES);
  // A process of its own: without room its lock is given up by its end only.
  const { status, stderr } = spawnSync(process.execPath, [launcher, ...line.split(" ")], {
    encoding: "utf8",
    env: { TDX_SIM_STORE: store },
  });
  const code = Number(status);
  const isUnchanged =
    code !== 0 && [storeState(store), readFileSync(newest, "latin1")].join() === before.join();
  const temporaryFiles = readdirSync(store).filter((name) => name.endsWith(".tmp")).length;
  for (const name of readdirSync(directory)) if (name !== "store") rmSync(join(directory, name));
  const faultsAfter = await needsRepair(store);
  const free = { freeBytes: bavail * bsize, freeFiles: ffree };
  return { line, ...free, code, stderr, isUnchanged, temporaryFiles, faultsAfter };
}

async function main([directory = "", seed, rounds, launcher = ""]: string[]): Promise<void> {
  const chance = new Chance(Number(seed));
  for (let n = 0; n < Number(rounds); n += 1) {
    process.stdout.write(`${JSON.stringify(await round(directory, chance, launcher))}\n`);
  }
}

void main(process.argv.slice(2));
