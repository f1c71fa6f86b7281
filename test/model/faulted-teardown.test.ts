import { beforeAll, describe, expect, test } from "vitest";
import { legalFaults } from "../../src/lab/faults/legal-statuses.ts";
import { GENERATIONS, generation } from "../../src/lab/kernels.ts";
import type { SimulatedHost } from "../../src/lab/simulated-host.ts";
import {
  finish,
  populatedHost,
  type TornDown,
  tearDown,
  wrongsOf,
} from "../support/faulted-teardown.ts";
import { PATIENCE, replay, runs, testSeed } from "../support/sample.ts";
import { Chance } from "./chance.ts";

const FILE = "test/model/faulted-teardown.test.ts";
const KIB = 1024;
const STRATEGIES = ["runtime", "exit", "hint"] as const;

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

interface Fault {
  readonly strategy: string;
  readonly leaf: string;
  readonly status: string;
  readonly k: number;
}

/** Every SEAMCALL of a teardown with every status that it may fail with. */
async function everyFault(host: SimulatedHost, strategy: string): Promise<Fault[]> {
  const { result } = await tearDown(host, strategy, []);
  const calls = result.strategies[0]?.seamcalls.byLeaf ?? {};
  return Object.entries(calls).flatMap(([leaf, count]) =>
    Array.from({ length: count }, (_, i) => i + 1).flatMap((k) =>
      statusesTried(leaf).map((status) => ({ strategy, leaf, status, k })),
    ),
  );
}

/** A vCPU that is not flushed makes KVM spin: three statuses stand for all in the short run. */
function statusesTried(leaf: string): readonly string[] {
  const statuses = legalFaults(leaf);
  return leaf === "TDH.VP.FLUSH" ? statuses.slice(0, runs(3, statuses.length)) : statuses;
}

/** One that never ends is given up, and asked for again when nothing fails any more. */
async function toItsEnd(torn: TornDown, strategy: string): Promise<TornDown> {
  return torn.result.strategies[0]?.end.livelock === undefined ? torn : finish(torn, strategy);
}

function isSound({ result }: TornDown): boolean {
  const end = result.strategies[0]?.end;
  const isComplete = end?.pagesLeaked === 0 && end.hkidFree && end.tdrReclaimed;
  return isComplete && end.warned === undefined && end.bugged === undefined && !end.livelock;
}

let host: SimulatedHost;
const faults = new Map<string, Fault[]>();

beforeAll(async () => {
  host = await populatedHost({ memoryBytes: 16 * KIB, vcpus: 2 });
  for (const strategy of STRATEGIES) faults.set(strategy, await everyFault(host, strategy));
});

describe.each(STRATEGIES)("one SEAMCALL of %s that fails once", (strategy) => {
  test(
    "is repeated, or leaves exactly what the kernel would leave behind",
    async () => {
      for (const { leaf, status, k } of faults.get(strategy) ?? []) {
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
      const chosen = Array.from({ length: runs(15, all.length) }, () => chance.pick(all));
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

test(
  "two SEAMCALLs that fail leave exactly what the kernel would leave behind",
  async () => {
    const seed = testSeed();
    const chance = new Chance(seed);
    for (let run = 0; run < runs(120, 20_000); run++) {
      const all = faults.get(chance.pick(STRATEGIES)) ?? [];
      const pair = [chance.pick(all), chance.pick(all)];
      const { strategy } = pair[0] as Fault;
      const texts = pair.map(({ leaf, status, k }) => `${leaf}:${status}@k=${k}`);
      const torn = await toItsEnd(await tearDown(host, strategy, texts), strategy);
      expect(wrongsOf(torn), `${strategy} ${texts}; ${replay(FILE, seed)}`).toEqual([]);
    }
  },
  PATIENCE,
);

describe("every other kernel", () => {
  const others = [...GENERATIONS.values()].filter(({ name }) => name !== "v16");

  test.each(others.map(({ name }) => name))(
    "%s leaves exactly what it would",
    async (kernel) => {
      const seed = testSeed();
      const chance = new Chance(seed);
      const populated = await populatedHost({ memoryBytes: 16 * KIB, vcpus: 2, kernel });
      for (const { name: strategy } of generation(kernel).strategies) {
        const all = await everyFault(populated, strategy);
        for (let run = 0; run < runs(20, all.length); run++) {
          const { leaf, status, k } = chance.pick(all);
          const fault = `${leaf}:${status}@k=${k}`;
          const torn = await toItsEnd(await tearDown(populated, strategy, [fault]), strategy);
          const about = `${kernel} ${strategy} ${fault}; ${replay(FILE, seed)}`;
          expect(wrongsOf(torn), about).toEqual([]);
        }
      }
    },
    PATIENCE,
  );
});

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
