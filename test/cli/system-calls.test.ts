import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { newHolder } from "../../src/store/holder.ts";
import { Chance } from "../model/chance.ts";
import { runOnStore } from "../support/cli-in-process.ts";
import { needsRepair, storeState } from "../support/judged-store.ts";
import { replay, runs, testSeed } from "../support/sample.ts";
import { type Call, type Traced, traceCli, whyNoStrace } from "../support/strace.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { tally } from "../support/totals.ts";

const FILE = "test/cli/system-calls.test.ts";
const NO_STRACE = whyNoStrace();
const PATIENCE_MS = 600_000;
/** An ID as `newHolder` makes them. */
const LOCK_ID = "0123456789ab";

/** Each on a store of its own kind: two TDs, a damaged one, a locked one. */
const COMMANDS: readonly (readonly [line: string, kind: "sound" | "damaged" | "locked"])[] = [
  ["create other --memory 1M", "sound"],
  ["populate web --populated 8M", "sound"],
  ["convert web --size 1M", "sound"],
  ["punch web --size 1M", "sound"],
  ["destroy web --strategy hint", "sound"],
  ["reset --yes", "sound"],
  ["store repair", "damaged"],
  [`store unlock ${LOCK_ID}`, "locked"],
];

const stores = { sound: "", damaged: "", locked: "" };

beforeAll(async () => {
  for (const kind of ["sound", "damaged", "locked"] as const) {
    const store = temporaryDirectory(kind);
    await runOnStore(["create", "web", "--memory", "16M", "--vcpus", "1"], store);
    await runOnStore(["populate", "web", "--populated", "4M"], store);
    stores[kind] = store;
  }
  const newest = join(stores.damaged, "host.2.json");
  writeFileSync(newest, readFileSync(newest).subarray(0, -9));
  const elsewhere = { ...newHolder("populate"), id: LOCK_ID, host: "elsewhere" };
  writeFileSync(join(stores.locked, "lock"), `${JSON.stringify(elsewhere)}\n`);
}, PATIENCE_MS);

function copyOf(store: string): string {
  const copy = temporaryDirectory("copy");
  cpSync(store, copy, { recursive: true });
  return copy;
}

/** From the first call on the store to the last of the main thread. */
function storeCalls({ calls }: Traced, store: string): readonly Call[] {
  return calls.slice(calls.findIndex(({ args }) => args.includes(store)));
}

function isSame(call: Call, name: string, when: number): boolean {
  return call.name === name && call.when === when;
}

function changesSomething({ name, args }: Call): boolean {
  return name === "openat" ? args.includes("O_CREAT") : name !== "close";
}

describe.each(COMMANDS)("%s", (line, kind) => {
  const args = line.split(" ");
  let [before, after] = ["", ""];
  let calls: readonly Call[] = [];

  beforeAll(async () => {
    if (NO_STRACE !== null) return;
    const whole = copyOf(stores[kind]);
    before = storeState(whole);
    const clean = await traceCli(args, whole);
    expect(clean).toMatchObject({ code: 0 });
    after = storeState(whole);
    expect(after).not.toBe(before);
    calls = storeCalls(clean, whole);
  }, PATIENCE_MS);

  test(
    "killed at any system call leaves the store before it or after it, and no repair to do",
    async ({ skip }) => {
      if (NO_STRACE !== null) skip(NO_STRACE);
      const chance = new Chance(testSeed());
      const about = `${line}; ${replay(FILE, testSeed())}`;
      const some = calls.filter((call) => changesSomething(call) && chance.is(0.2));
      const boundaries = runs(0, 1) === 1 ? calls : some;
      tally("R2", boundaries.length, "system calls killed at");
      let missed = 0;
      for (const { name, when, args: operands } of boundaries) {
        const store = copyOf(stores[kind]);
        const killed = await traceCli(args, store, `${name}:signal=KILL:when=${when}`);
        const where = `before ${name}(${operands}) in ${about}`;
        // Node opens a file more or less while it starts: then a last call is not there to be met.
        const isMissed = killed.code === 0 && !killed.calls.some((c) => isSame(c, name, when));
        missed += isMissed ? 1 : 0;
        if (!isMissed) expect(killed, where).toMatchObject({ code: null });
        if (!isMissed) expect(killed.calls.at(-1)?.name, where).toBe(name);
        const state = storeState(store);
        expect([before, after], where).toContain(state);
        if (killed.stdout !== "") expect(state, where).toBe(after);
        if (state === before) {
          expect(await runOnStore(args, store), where).toMatchObject({ code: 0 });
          expect(storeState(store), where).toBe(after);
        }
        expect(await needsRepair(store), where).toEqual([]);
      }
      expect(missed, about).toBeLessThan(4);
    },
    PATIENCE_MS,
  );

  test(
    "whose fsync fails once ends with 74, and claims nothing when the next one succeeds",
    async ({ skip }) => {
      if (NO_STRACE !== null) skip(NO_STRACE);
      const syncs = calls.filter(({ name }) => name === "fsync");
      tally("R5", syncs.length, "calls of fsync that fail once");
      // A repair is two changes: what it restored stays when a damaged file cannot be set aside.
      const states = kind === "damaged" ? [before, after] : [before];
      for (const { when } of syncs) {
        const store = copyOf(stores[kind]);
        const failed = await traceCli(args, store, `fsync:error=EIO:when=${when}`);
        const about = `fsync ${when} of ${line}`;
        expect(failed, about).toMatchObject({ code: 74, stdout: "" });
        expect(failed.stderr, about).toMatch(new RegExp(`^tdx-sim: .*${store}.*\\(EIO\\)$`, "m"));
        expect(states, about).toContain(storeState(store));
        expect(failed.calls.filter(({ name }) => name === "fsync").at(-1)?.when).toBe(when);
      }
    },
    PATIENCE_MS,
  );
});

/** What each call was made on: `fsync /path` in place of `fsync(19)`. */
function withPaths({ calls }: Traced): string[] {
  const paths = new Map<string, string>([["1", "stdout"]]);
  return calls.map(({ name, args, result }) => {
    const path = /"([^"]*)"/.exec(args)?.[1] ?? "";
    if (name === "openat") paths.set(result, path);
    const fd = /^\d+/.exec(args)?.[0];
    return `${name} ${fd === undefined ? path : (paths.get(fd) ?? fd)}`;
  });
}

describe("the kernel is asked to write, sync, name and sync the directory, in this order,", () => {
  test.for([
    ["that a TD is destroyed", "stored", /host\.3\.json\.\w+\.tmp$/, "link"],
    ["that a file is written", "out", /\.out\.json\.\w+\.tmp$/, "rename"],
  ] as const)("before it is said %s", async ([, where, temporary, naming], { skip }) => {
    if (NO_STRACE !== null) skip(NO_STRACE);
    const stored = copyOf(stores.sound);
    const out = temporaryDirectory("out");
    const args = ["destroy", "web", "--export", `json=${join(out, "out.json")}`];
    const traced = await traceCli(args, stored);
    const calls = withPaths(traced);
    const path = calls.find((call) => temporary.test(call))?.split(" ")[1];
    const directory = where === "out" ? out : stored;
    const named = calls.indexOf(`${naming} ${path}`);
    const steps = [
      ...[calls.indexOf(`write ${path}`), calls.indexOf(`fsync ${path}`), named],
      ...[calls.indexOf(`fsync ${directory}`, named), calls.indexOf("write stdout")],
    ];
    expect(steps).not.toContain(-1);
    expect(steps).toEqual([...steps].sort((left, right) => left - right));
    tally("R3", 1, "commands traced for their order of calls");
  });
});
