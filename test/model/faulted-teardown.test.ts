import { beforeAll, describe, expect, test } from "vitest";
import type { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { populatedHost, type TornDown, tearDown, wrongsOf } from "../support/faulted-teardown.ts";
import { PATIENCE, replay, runs, testSeed } from "../support/sample.ts";
import { tally } from "../support/totals.ts";
import { Chance } from "./chance.ts";
import { everyFault, type Fault, STRATEGIES, someOf, toItsEnd } from "./every-fault.ts";

const FILE = "test/model/faulted-teardown.test.ts";
const KIB = 1024;

/** What v16 repeats until it passes (kvm-teardown C.1 to C.3), written from that text. */
function isRepeated(leaf: string, status: string): boolean {
  switch (leaf) {
    case "TDH.MEM.RANGE.BLOCK":
    case "TDH.MEM.PAGE.REMOVE":
      return status === "TDX_OPERAND_BUSY|SEPT_TREE";
    case "TDH.MEM.TRACK":
      return status.startsWith("TDX_OPERAND_BUSY");
    case "TDH.PHYMEM.PAGE.WBINVD":
    case "TDH.PHYMEM.PAGE.RECLAIM":
      return status === "TDX_OPERAND_BUSY|RCX";
    case "TDH.PHYMEM.CACHE.WB":
      return status === "TDX_INTERRUPTED_RESUMABLE";
    case "TDH.MNG.VPFLUSHDONE":
      return status === "TDX_FLUSHVP_NOT_DONE";
    default:
      return false;
  }
}

function isSound({ result }: TornDown): boolean {
  const end = result.strategies[0]?.end;
  const isComplete = end?.pagesLeaked === 0 && end.hkidFree && end.tdrReclaimed;
  return isComplete && end.warned === undefined && end.bugged === undefined && !end.livelock;
}

let host: SimulatedHost;
const faults = new Map<string, Fault[]>();

beforeAll(async () => {
  host = await populatedHost({ memoryBytes: runs(4, 64) * 4 * KIB, vcpus: 2 });
  for (const strategy of STRATEGIES) faults.set(strategy, await everyFault(host, strategy));
});

describe.each(STRATEGIES)("one SEAMCALL of %s that fails once", (strategy) => {
  test(
    "is repeated, or leaves exactly what the kernel would leave behind",
    async () => {
      const all = faults.get(strategy) ?? [];
      tally("E2", all.length, "faults that strike once, v16");
      for (const { leaf, status, k } of all) {
        const fault = `${leaf}:${status}@k=${k}`;
        const torn = await tearDown(host, strategy, [fault]);
        expect(torn.result.strategies[0]?.statuses, fault).toHaveProperty([status]);
        expect(isSound(torn), `${strategy} ${fault}`).toBe(isRepeated(leaf, status));
        const ended = await toItsEnd(torn, strategy);
        expect(wrongsOf(ended), `${strategy} ${fault}`).toEqual([]);
        // No later pass flushes a vCPU whose VP.FLUSH failed: its vcpu->cpu is -1 (C.2, C.4).
        const end = ended.result.strategies[0]?.end;
        expect(end?.livelock !== undefined, fault).toBe(leaf === "TDH.VP.FLUSH");
      }
    },
    PATIENCE,
  );
});

describe.each(STRATEGIES)("one SEAMCALL of %s that fails for ever", (strategy) => {
  test(
    "is given up and told, or ends as the kernel would end",
    async () => {
      const seed = testSeed();
      const chance = new Chance(seed);
      const all = faults.get(strategy) ?? [];
      const chosen = someOf(all, runs(15, all.length), chance);
      tally("E2", chosen.length, "faults for ever, v16");
      for (const { leaf, status, k } of chosen) {
        const fault = `${leaf}:${status}:from=${k}`;
        const about = `${strategy} ${fault}; ${replay(FILE, seed)}`;
        const torn = await tearDown(host, strategy, [fault]);
        expect(isSound(torn), about).toBe(isResumable(leaf, status));
        expect(wrongsOf(await toItsEnd(torn, strategy)), about).toEqual([]);
      }
    },
    PATIENCE,
  );
});

/** A write-back that is interrupted comes further each time. */
function isResumable(leaf: string, status: string): boolean {
  return leaf === "TDH.PHYMEM.CACHE.WB" && status === "TDX_INTERRUPTED_RESUMABLE";
}

test("an HKID that was leaked is never handed out again", async () => {
  const { td, host: after } = await tearDown(host, "exit", [
    "TDH.MNG.KEY.FREEID:OPERAND_BUSY|KOT@k=1",
  ]);
  expect(td.vm.state.leakedHkids).toEqual([td.vm.state.hkid]);
  const next = after.clone();
  const kvm = next.kvm({ phase() {}, seamcalls() {}, hostWork() {} }, true);
  for (let hkid = kvm.hkids.alloc(); hkid !== null; hkid = kvm.hkids.alloc()) {
    expect(hkid).not.toBe(td.vm.state.hkid);
  }
});

test("a region whose PAMT.REMOVE fails loses its two PAMT pages, and they are on the list", async () => {
  const populated = await populatedHost({
    memoryBytes: 16 * KIB,
    vcpus: 1,
    kernel: "dynamic-pamt",
  });
  const fault = "TDH.PHYMEM.PAMT.REMOVE:PAGE_METADATA_INCORRECT|RCX@k=1";
  const torn = await tearDown(populated, "exit", [fault]);
  const end = torn.result.strategies[0]?.end;
  expect(end?.pagesLeaked).toBe(2);
  expect(end?.leaks).toMatchObject([{ pages: 2, what: "PAMT page" }]);
  expect(end?.warned).toEqual({ "TDH.PHYMEM.PAMT.REMOVE TDX_PAGE_METADATA_INCORRECT|RCX": 1 });
  expect(wrongsOf(torn)).toEqual([]);
});
