/**
 * A process that puts a symbolic link to a victim in the place of a store's file or directory,
 * again and again while commands run, and takes it away a moment later.
 *
 *     STORE VICTIM-DIRECTORY SEED SWAPS
 */
import { lstatSync, readdirSync, renameSync, rmSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Chance } from "../model/chance.ts";

const [store = "", victims = "", seed, swaps] = process.argv.slice(2);
const chance = new Chance(Number(seed));
const aside = `${store}.aside`;

/** A file that is there, the one that is written next, the lock, or the directory itself. */
function pickPlace(): string {
  if (chance.is(0.2)) return store;
  const names = readdirSync(store);
  const newest = Math.max(0, ...names.map((name) => Number(/^host\.(\d+)\./.exec(name)?.[1] ?? 0)));
  // Before a command looks, a link there is a damaged file; after, it is where it writes next.
  if (chance.is(0.7)) return join(store, `host.${newest + 1}.json`);
  return join(store, chance.pick(["lock", ...names]));
}

/** @returns false where the place changed hands meanwhile */
async function isSwapped(): Promise<boolean> {
  const place = pickPlace();
  const target = place === store ? victims : join(victims, chance.pick(["notes.txt", "empty"]));
  try {
    renameSync(place, aside);
  } catch {
    // Nothing is there yet: the link is there first.
  }
  try {
    symlinkSync(target, place);
  } catch {
    // The program was faster; what was there is no longer wanted.
    rmSync(aside, { recursive: true, force: true });
    return false;
  }
  await sleep(chance.integer(0, 4));
  if (lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink()) unlinkSync(place);
  try {
    if (!lstatSync(place, { throwIfNoEntry: false })) renameSync(aside, place);
  } catch {
    // There was nothing to put back.
  }
  rmSync(aside, { recursive: true, force: true });
  return true;
}

async function main(): Promise<void> {
  let done = 0;
  while (done < Number(swaps)) {
    try {
      if (await isSwapped()) done += 1;
    } catch {
      // The directory is not there just now.
    }
    await sleep(chance.integer(0, 2));
  }
}

void main();
