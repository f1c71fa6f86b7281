/**
 * A program that uses a store, for tests that need several processes or kill one.
 *
 *     increment DIR N   adds one N times, printing each acknowledged number on a line
 *     hold DIR          takes the lock, prints a line and keeps it
 */
import { writeSync } from "node:fs";
import { Store } from "../../src/store/store.ts";

function add(host: unknown): number {
  return (typeof host === "number" ? host : 0) + 1;
}

async function main([task, directory = "", times = "1"]: string[]): Promise<void> {
  const store = new Store({ directory, command: `test ${task}`, lockWaitMs: 60_000 });
  if (task === "increment") {
    for (let n = 0; n < Number(times); n += 1) {
      const number = await store.update(async (host) => ({ host: add(host), value: add(host) }));
      writeSync(1, `${number}\n`);
    }
    return;
  }
  await store.withLock(async () => {
    writeSync(1, "held\n");
    await new Promise((resolve) => setTimeout(resolve, 600_000));
  });
}

void main(process.argv.slice(2));
