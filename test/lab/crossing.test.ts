import { describe, expect, it } from "vitest";
import { DEFAULT_PROFILE } from "../../src/cost/profiles/index.ts";
import { GENERATIONS } from "../../src/lab/kernels.ts";
import { createTd, populateTd } from "../../src/lab/lifecycle.ts";
import { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { resolveTdOptions } from "../../src/lab/td-options.ts";
import {
  compareFresh,
  compareTd,
  destroyFresh,
  destroyTd,
  type Session,
} from "../../src/lab/teardown.ts";

const SESSION: Session = { step: false, profile: DEFAULT_PROFILE, seed: 1 };
const OPTIONS = resolveTdOptions({ memoryBytes: 2 ** 24, vcpus: 2 });
const SOURCE = { source: "options" } as const;

async function stored(kernel = "v16"): Promise<SimulatedHost> {
  const options = resolveTdOptions({ ...OPTIONS, kernel });
  const host = SimulatedHost.boot(options);
  await createTd(host, "a", options, SESSION);
  await populateTd(host, "a", { finalize: true }, SESSION);
  return host;
}

describe("comparing the strategies of a kernel", () => {
  it.each([...GENERATIONS.keys()])(
    "tells of each what its own teardown does: %s",
    async (kernel) => {
      const options = resolveTdOptions({ ...OPTIONS, kernel });
      const { strategies } = await compareFresh(options, SOURCE, SESSION);
      for (const result of strategies) {
        const alone = await destroyFresh(options, { ...SOURCE, ...result }, SESSION);
        expect(alone.strategies).toEqual([result]);
      }
    },
  );

  it("emulates each for who watches the SEAMCALLs", async () => {
    const watched: string[] = [];
    const observe = (strategy: string) => {
      watched.push(strategy);
      return { phase() {}, seamcalls() {}, hostWork() {} };
    };
    await compareFresh(OPTIONS, SOURCE, { ...SESSION, observe });
    expect(watched).toEqual(["runtime", "exit", "hint"]);
  });
});

describe("comparing kernels", () => {
  it("puts every strategy of each into one result", async () => {
    const kernels = ["v16", "v6.16", "terminate-v4"];
    const { kernel, strategies, comparison } = await compareFresh(
      OPTIONS,
      { ...SOURCE, kernels },
      SESSION,
    );
    expect(kernel).toBe("v16,v6.16,terminate-v4");
    expect(strategies.map((each) => `${each.strategy}@${each.kernel}`)).toEqual([
      "runtime@v16",
      "exit@v16",
      "hint@v16",
      "runtime@v6.16",
      "exit@v6.16",
      "runtime@terminate-v4",
      "exit@terminate-v4",
      "terminate@terminate-v4",
    ]);
    expect(comparison).toHaveLength(strategies.length);
  });

  it("leaves out what a kernel lacks as long as another has it, and says so", async () => {
    const request = { ...SOURCE, kernels: ["v16", "v19"], strategies: ["runtime", "hint"] };
    const { strategies, warnings } = await compareFresh(OPTIONS, request, SESSION);
    expect(strategies.map((each) => `${each.strategy}@${each.kernel}`)).toEqual([
      "runtime@v16",
      "hint@v16",
      "runtime@v19",
    ]);
    expect(warnings).toContain("v19 has no strategy hint (-EINVAL)");
  });

  it("refuses what none of them has", async () => {
    const request = { ...SOURCE, kernels: ["v19", "v6.16"], strategies: ["hint"] };
    await expect(compareFresh(OPTIONS, request, SESSION)).rejects.toMatchObject({
      kind: "refused",
      refusal: { errno: "EINVAL" },
    });
  });

  it("maps what a kernel maps, and says where that differs", async () => {
    const request = { ...SOURCE, kernels: ["v6.16", "huge-pages"], strategies: ["runtime"] };
    const { strategies, td, warnings } = await compareFresh(OPTIONS, request, SESSION);
    expect(td.pageSize).toBe("4K");
    expect(strategies.map(({ seamcalls }) => seamcalls.byLeaf["TDH.MEM.RANGE.BLOCK"])).toEqual([
      4096, 8,
    ]);
    expect(warnings.join()).toContain("huge-pages maps the same memory with pages of 2M");
  });

  it("keeps pages of 4 KiB where 2 MiB do not fit", () => {
    const td = { kernel: "huge-pages", memoryBytes: 3 * 2 ** 20 };
    expect(resolveTdOptions(td).pageSize).toBe("4K");
    expect(resolveTdOptions({ ...td, memoryBytes: 2 ** 22 }).pageSize).toBe("2M");
  });

  it("tears copies of one stored TD down, which stays", async () => {
    const host = await stored();
    const { strategies } = await compareTd(host, "a", { kernels: ["v16", "v6.16"] }, SESSION);
    expect(strategies).toHaveLength(5);
    expect(host.report("a")).toMatchObject({ destroyed: false, kernel: "v16" });
  });

  it("cannot hand a TD to a kernel that keeps PAMT pages for it", async () => {
    const host = await stored();
    const request = { kernels: ["v16", "dynamic-pamt"] };
    await expect(compareTd(host, "a", request, SESSION)).rejects.toMatchObject({ kind: "usage" });
  });
});

describe("vCPUs in the guest", () => {
  it("are kicked out by the first page that is removed", async () => {
    const options = resolveTdOptions({ ...OPTIONS, running: 2 });
    const { strategies } = await compareFresh(options, SOURCE, SESSION);
    for (const { end } of strategies) expect(end.tdrReclaimed).toBe(true);
  });

  it("make terminate fail with -EBUSY, and the TD can be torn down otherwise", async () => {
    const options = resolveTdOptions({ ...OPTIONS, kernel: "terminate-v4", running: 1 });
    const host = SimulatedHost.boot(options);
    await createTd(host, "a", options, SESSION);
    await populateTd(host, "a", { finalize: true }, SESSION);
    await expect(destroyTd(host, "a", { strategy: "terminate" }, SESSION)).rejects.toMatchObject({
      refusal: { errno: "EBUSY" },
    });
    const { strategies } = await destroyTd(host, "a", { strategy: "runtime" }, SESSION);
    expect(strategies[0]?.end.pagesLeaked).toBe(0);
  });

  it("are no more than vCPUs and LPs, and none of a TD that is not finalized", () => {
    for (const given of [{ running: 3 }, { running: 2, lps: 1 }, { running: 1, finalize: false }]) {
      expect(() => resolveTdOptions({ ...OPTIONS, ...given })).toThrow(
        expect.objectContaining({ kind: "usage" }),
      );
    }
  });
});

describe("hosts of any shape", () => {
  it.each([
    ["more LPs than vCPUs", { vcpus: 1, lps: 64 }],
    ["vCPUs that share an LP", { vcpus: 9, lps: 2 }],
    ["a TD that was never finalized", { vcpus: 2, finalize: false, initialImageBytes: 2 ** 20 }],
  ])("tear down with %s", async (_, given) => {
    const options = resolveTdOptions({ ...OPTIONS, ...given });
    const { strategies } = await compareFresh(options, SOURCE, SESSION);
    for (const { end, seamcalls } of strategies) {
      expect(end).toMatchObject({ pagesLeaked: 0, hkidFree: true, tdrReclaimed: true });
      expect(seamcalls.byLeaf["TDH.VP.FLUSH"]).toBe(given.vcpus);
    }
  });
});
