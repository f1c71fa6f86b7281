import { cpSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { StopSignals } from "../../src/cli/signals.ts";
import { GENERATIONS } from "../../src/lab/kernels.ts";
import { requireTd } from "../../src/lab/lifecycle.ts";
import type { Result } from "../../src/lab/result.ts";
import { type HostSnapshot, SimulatedHost } from "../../src/lab/simulated-host.ts";
import { Store } from "../../src/store/store.ts";
import { Chance } from "../model/chance.ts";
import { runCli } from "../support/cli.ts";
import { runInProcess } from "../support/cli-in-process.ts";
import { PATIENCE, replay, runs, testSeed } from "../support/sample.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { tally } from "../support/totals.ts";

const FILE = "test/cli/stopped-destroy.test.ts";
const SHAPE = ["--memory", "8K", "--vcpus", "2", "--packages", "2"];

/** SIGINT that comes after so many SEAMCALLs. */
class InterruptAfter extends StopSignals {
  #left: number;

  constructor(calls: number) {
    super();
    this.#left = calls;
  }

  override get received() {
    return this.#left <= 0 ? ("SIGINT" as const) : null;
  }

  override readonly shouldStop = (): boolean => --this.#left <= 0;
}

/** Runs a command in this process, which looks for signals after every SEAMCALL. */
function command(store: string, args: readonly string[], interruptAfter = Infinity) {
  return runInProcess(args, { TDX_SIM_STORE: store }, new InterruptAfter(interruptAfter), 1);
}

/** SEAMCALLs of the teardown that the store knows of. */
function callsKept(directory: string): number {
  const stored = new Store({ directory, command: "test", lockWaitMs: 0 }).read();
  const { teardown } = requireTd(SimulatedHost.restore(stored as HostSnapshot), "td");
  return teardown?.ledger.totals().seamcalls.total ?? 0;
}

function copyOf(store: string): string {
  const copy = temporaryDirectory("store");
  cpSync(store, copy, { recursive: true });
  return copy;
}

const teardowns = [...GENERATIONS.values()].flatMap(({ name: kernel, strategies }) =>
  strategies.map(({ name: strategy }) => ({ kernel, strategy })),
);
const seed = testSeed();
const chance = new Chance(seed);
/** Those that every change tries, and after how many SEAMCALLs; all of all at night. */
const chosen = Array.from({ length: 4 }, () => chance.pick(teardowns));

describe.each(runs(0, 1) === 1 ? teardowns : chosen)(
  "destroy by $strategy on $kernel that SIGINT stops",
  ({ kernel, strategy }) => {
    test(
      "is finished by another process, and counts as if nothing had stopped it",
      async () => {
        const store = temporaryDirectory("store");
        await command(store, ["create", "td", "--kernel", kernel, ...SHAPE]);
        await command(store, ["populate", "td"]);
        const destroy = ["destroy", "td", "--strategy", strategy, "--format", "json"];
        const whole = await command(copyOf(store), destroy);
        expect(whole.code, whole.stderr).toBe(0);
        const { strategies } = JSON.parse(whole.stdout) as Result;
        const total = strategies[0]?.seamcalls.total ?? 0;
        const first = runs(chance.integer(1, total - 1), 1);
        for (let calls = first; calls <= runs(first, total - 1); calls++) {
          const about = `${kernel} ${strategy} after ${calls}; ${replay(FILE, seed)}`;
          const copy = copyOf(store);
          const stopped = await command(copy, destroy, calls);
          tally("E4", 1, "SIGINTs, each followed by a new process");
          // The PAMT pages of the TDR go in one step with it: a signal in between comes too late.
          if (kernel === "dynamic-pamt" && calls === total - 1) {
            expect(stopped.code, about).toBe(0);
            expect(JSON.parse(stopped.stdout).strategies, about).toEqual(strategies);
            continue;
          }
          expect(stopped.code, about).toBe(130);
          expect(stopped.stderr, about).toContain("tdx-sim destroy td");
          expect(callsKept(copy), about).toBe(calls);
          const resumed = await runCli(destroy, { store: copy });
          expect(resumed.code, `${about}\n${resumed.stderr}`).toBe(0);
          expect(JSON.parse(resumed.stdout).strategies, about).toEqual(strategies);
        }
      },
      PATIENCE,
    );
  },
);
