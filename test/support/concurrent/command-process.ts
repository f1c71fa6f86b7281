/**
 * A process that runs command lines one after another on one store, for tests that need thousands
 * of them at the same time.
 *
 *     commands DIR < LINES         runs the command lines (a JSON list), a JSON record for each
 *     write DIR NAME               makes, fills and destroys TDs until its input ends
 *     read DIR SECONDS READS       lists and judges what is stored, so long and so often at least
 */
import { readFileSync, writeSync } from "node:fs";
import { storage } from "../../../src/store/storage.ts";
import { runOnStore } from "../cli-in-process.ts";
import type { CommandRecord } from "./history.ts";
import { StoreReader } from "./store-reader.ts";

/** The generation that the command at work gave its name. */
let written: number | null = null;

function watchGenerations(): void {
  const { linkSync } = storage;
  storage.linkSync = (from, to) => {
    linkSync(from, to);
    const number = /host\.([0-9]+)\.json$/.exec(String(to))?.[1];
    if (number !== undefined) written = Number(number);
  };
}

async function record(args: readonly string[], store: string): Promise<CommandRecord> {
  written = null;
  const began = clockNs();
  const { code, stdout, stderr } = await runOnStore(args, store);
  const ended = clockNs();
  return { args, code, stdout, stderr, began, ended, generation: written };
}

/** One clock for all processes of the machine (CLOCK_MONOTONIC). */
function clockNs(): number {
  return Number(process.hrtime.bigint());
}

function say(value: unknown): void {
  writeSync(1, `${JSON.stringify(value)}\n`);
}

/** TDs of one writer: a store that only grew would make each read slower than the last. */
const TDS_OF_A_WRITER = 20;

async function write(store: string, name: string): Promise<void> {
  let [td, commands] = [0, 0];
  let isWanted = true;
  process.stdin.resume().on("end", () => {
    isWanted = false;
  });
  const failures: string[] = [];
  const run = async (line: string) => {
    const { code, stderr } = await runOnStore(line.split(" "), store);
    commands += 1;
    // The lock may be asked for in vain.
    if (code !== 0 && code !== 75) failures.push(`${line}: ${code}, ${stderr}`);
  };
  while (isWanted && failures.length === 0) {
    // What a command waits for comes before what the process is told.
    await new Promise((resolve) => setImmediate(resolve));
    if (td < TDS_OF_A_WRITER) {
      td += 1;
      await run(`create ${name}-${td} --memory 64K --vcpus 1`);
      await run(`populate ${name}-${td}`);
    } else {
      await run(`punch ${name}-${td} --size 16K`);
      await run(`populate ${name}-${td}`);
    }
    if (td < TDS_OF_A_WRITER) await run(`destroy ${name}-${td} --strategy runtime`);
  }
  say({ commands, failures });
}

async function read(store: string, seconds: number, least: number): Promise<void> {
  const until = performance.now() + seconds * 1000;
  const reader = new StoreReader(store);
  let reads = 0;
  while ((performance.now() < until || reads < least) && reader.faults.length === 0) {
    await reader.read();
    reads += 1;
  }
  say({ reads, faults: reader.faults });
}

async function main([task, store = "", ...rest]: string[]): Promise<void> {
  if (task === "write") return write(store, rest[0] ?? "");
  if (task === "read") return read(store, Number(rest[0]), Number(rest[1]));
  watchGenerations();
  const lines = JSON.parse(readFileSync(0, "utf8")) as string[][];
  for (const line of lines) say(await record(line, store));
}

void main(process.argv.slice(2));
