import { describe, expect, test } from "vitest";
import { RunStopped } from "../../src/lab/drive.ts";
import { parseFault } from "../../src/lab/faults/fault-plan.ts";
import { requireTd } from "../../src/lab/lifecycle.ts";
import { type HostSnapshot, SimulatedHost } from "../../src/lab/simulated-host.ts";
import type { TdOptions } from "../../src/lab/td-options.ts";
import { destroyTd } from "../../src/lab/teardown.ts";
import { checkInvariants } from "../../src/module/invariants.ts";
import { populatedHost, session, tearDown } from "../support/faulted-teardown.ts";
import { PATIENCE, runs } from "../support/sample.ts";
import { tally } from "../support/totals.ts";

const KIB = 1024;
const MIB = KIB * KIB;

/** The host as another process finds it in the store. */
function throughTheStore(host: SimulatedHost): SimulatedHost {
  return SimulatedHost.restore(JSON.parse(JSON.stringify(host.snapshot())) as HostSnapshot);
}

/** Destroys the TD, stopping when `calls` more SEAMCALLs were made; whether it came to its end. */
async function destroyFor(host: SimulatedHost, strategy: string, calls: number): Promise<boolean> {
  const td = requireTd(host, "td");
  const made = (): number => td.teardown?.ledger.totals().seamcalls.total ?? 0;
  const from = made();
  const control = session({ callsPerTurn: 1, shouldStop: () => made() - from >= calls });
  return destroyTd(host, "td", { strategy }, control).then(
    () => true,
    (error: unknown) => {
      expect(error).toBeInstanceOf(RunStopped);
      expect(checkInvariants(host.module)).toEqual([]);
      return false;
    },
  );
}

/** What is left when all is over, and what was counted on the way. */
function outcome(host: SimulatedHost): unknown {
  const { teardown, vm } = requireTd(host, "td");
  const { pages, module, hkidsUsed } = host.snapshot();
  const phases = teardown?.ledger.phases();
  return JSON.parse(JSON.stringify({ phases, state: vm.state, pages, module, hkidsUsed }));
}

test("a write-back that was interrupted is resumed by the process that goes on", async () => {
  const populated = await populatedHost({ memoryBytes: 16 * KIB, vcpus: 1 });
  const host = populated.clone();
  const fault = parseFault("TDH.PHYMEM.CACHE.WB:INTERRUPTED_RESUMABLE@k=1", false);
  const td = requireTd(host, "td");
  const made = (): number => td.teardown?.ledger.totals().seamcalls.total ?? 0;
  // VP.FLUSH, VPFLUSHDONE and the write-back that is broken off.
  const control = session({
    callsPerTurn: 1,
    shouldStop: () => made() >= 3,
    faults: { plans: [fault], seed: 1 },
  });
  await expect(destroyTd(host, "td", { strategy: "hint" }, control)).rejects.toThrow(RunStopped);
  expect(td.teardown?.ledger.totals().statuses["TDX_INTERRUPTED_RESUMABLE"]).toBe(1);
  const next = throughTheStore(host);
  const { strategies } = await destroyTd(next, "td", { strategy: "hint" }, session());
  expect(strategies[0]?.seamcalls.byLeaf["TDH.PHYMEM.CACHE.WB"]).toBe(2);
  expect(strategies[0]?.end).toEqual({ pagesLeaked: 0, hkidFree: true, tdrReclaimed: true });
});

const TDS: readonly (readonly [string, Partial<TdOptions>])[] = [
  ["4 KiB pages", { memoryBytes: 12 * KIB, vcpus: 2, packages: 2 }],
  ["a 2 MiB page", { memoryBytes: 2 * MIB, vcpus: 1, pageSize: "2M" }],
  ["an initial image", { memoryBytes: 16 * KIB, vcpus: 1, initialImageBytes: 8 * KIB }],
];

describe.each(TDS)("a teardown of a TD with %s", (_name, options) => {
  test.each(["runtime", "exit", "hint"])(
    "by %s that is stopped between any two SEAMCALLs goes on in another process",
    async (strategy) => {
      const populated = await populatedHost(options);
      const whole = await tearDown(populated, strategy, []);
      const expected = outcome(whole.host);
      const total = whole.result.strategies[0]?.seamcalls.total ?? 0;
      // The 512 WBINVDs of one large page are alike: a few of them stand for all in the short run.
      const every = total > 200 ? runs(37, 1) : 1;
      for (let calls = 1; calls < total; calls += every) {
        tally("E4", 1, "stops, each followed by the stored form");
        const host = populated.clone();
        expect(await destroyFor(host, strategy, calls), `stopped after ${calls}`).toBe(false);
        const next = throughTheStore(host);
        await destroyTd(next, "td", { strategy }, session());
        expect(outcome(next), `stopped after ${calls} of ${total}`).toEqual(expected);
      }
    },
    PATIENCE,
  );

  test.each(["runtime", "exit", "hint"])(
    "by %s that is stopped after every single SEAMCALL comes to the same end",
    async (strategy) => {
      const populated = await populatedHost(options);
      const expected = outcome((await tearDown(populated, strategy, [])).host);
      let host = populated.clone();
      for (;;) {
        if (await destroyFor(host, strategy, 1)) break;
        host = throughTheStore(host);
      }
      expect(outcome(host)).toEqual(expected);
    },
    PATIENCE,
  );
});
