import { describe, expect, it } from "vitest";
import { DEFAULT_PROFILE } from "../../src/cost/profiles/index.ts";
import { collision, locksOf } from "../../src/lab/module-locks.ts";
import type { Result, StrategyResult } from "../../src/lab/result.ts";
import { resolveTdOptions, type TdOptions } from "../../src/lab/td-options.ts";
import { compareFresh, destroyFresh } from "../../src/lab/teardown.ts";
import { parseWhatIf, parseWhatIfs } from "../../src/lab/what-if.ts";

function session(...texts: readonly string[]) {
  return { step: false, profile: DEFAULT_PROFILE, seed: 1, whatIf: parseWhatIfs(texts) };
}

async function compare(texts: readonly string[], given: Partial<TdOptions> = {}): Promise<Result> {
  const options = resolveTdOptions({ memoryBytes: 2 ** 34, vcpus: 4, ...given });
  return compareFresh(options, { source: "options" }, session(...texts));
}

function entry({ strategies }: Result, name: string): StrategyResult {
  return strategies.find(({ strategy }) => strategy === name) ?? expect.unreachable(name);
}

describe("a what-if", () => {
  it.each(["batch-track", "batch-wbinvd", "no-clear", "huge-leaves"])("%s is known", (text) => {
    expect(parseWhatIf(text)).toEqual({ name: text, text, threads: 1 });
  });

  it("parallel takes a number of threads", () => {
    expect(parseWhatIf("parallel=8")).toEqual({ name: "parallel", text: "parallel=8", threads: 8 });
  });

  it.each(["parallel", "parallel=1", "parallel=x", "batch-track=2", "magic", ""])(
    "%j is wrong usage",
    (text) => {
      expect(() => parseWhatIf(text)).toThrow(expect.objectContaining({ kind: "usage" }));
    },
  );

  it("is taken once", () => {
    expect(() => parseWhatIfs(["parallel=2", "parallel=4"])).toThrow("given twice");
  });

  it("is told in the result, with the rule it relies on, and marked as extrapolated", async () => {
    const result = await compare(["batch-track"]);
    expect(result.whatIf).toEqual(["batch-track"]);
    expect(result.warnings.join()).toMatch(/batch-track, which no kernel has.*ABI 5.*exit, hint/);
    expect(entry(result, "runtime").elapsedNs).toMatchObject({ extrapolated: true });
    expect(entry(result, "hint").elapsedNs).toMatchObject({ extrapolated: false });
  });

  it("is absent from results without one", async () => {
    expect(await compare([])).not.toHaveProperty("whatIf");
  });
});

describe("parallel", () => {
  it("leaves counts alone and shares out the time of reclaiming, at best", async () => {
    const [plain, parallel] = [await compare([]), await compare(["parallel=4"])];
    const [one, four] = [entry(plain, "hint"), entry(parallel, "hint")];
    expect(four.seamcalls).toEqual(one.seamcalls);
    const time = (of: StrategyResult) =>
      of.phases.find(({ phase }) => phase === "reclaim-private")?.elapsedNs ?? expect.unreachable();
    expect(time(four).mid / time(one).mid).toBeCloseTo(0.25, 3);
    expect(time(four).high).toBe(time(one).high);
    expect(four.elapsedNs.mid).toBe(
      four.phases.reduce((sum, { elapsedNs }) => sum + elapsedNs.mid, 0),
    );
    expect(entry(parallel, "runtime").elapsedNs).toEqual(entry(plain, "runtime").elapsedNs);
  });

  it("is refused for runtime as the module refuses two BLOCKs at once", async () => {
    const options = resolveTdOptions({ memoryBytes: 2 ** 20 });
    const request = { strategy: "runtime", source: "options" } as const;
    await expect(destroyFresh(options, request, session("parallel=2"))).rejects.toMatchObject({
      kind: "refused",
      refusal: { leaf: "TDH.MEM.RANGE.BLOCK", status: "TDX_OPERAND_BUSY|SEPT_TREE" },
    });
  });

  it("is refused beyond the host's LPs", async () => {
    const options = resolveTdOptions({ memoryBytes: 2 ** 20, lps: 4 });
    const request = { strategy: "hint", source: "options" } as const;
    await expect(destroyFresh(options, request, session("parallel=5"))).rejects.toThrow("4");
  });
});

describe("huge-leaves", () => {
  it("maps the same memory with pages of 2 MiB", async () => {
    const { td } = await compare(["huge-leaves"]);
    expect(td).toMatchObject({ pageSize: "2M", privatePages: { "4K": 0, "2M": 8192 } });
  });

  it("needs memory in whole pages of 2 MiB", async () => {
    await expect(compare(["huge-leaves"], { memoryBytes: 2 ** 20 })).rejects.toMatchObject({
      kind: "usage",
    });
  });
});

describe("locks of the module (ABI 4)", () => {
  it("let RECLAIMs and REMOVEs of different pages run side by side", () => {
    expect(collision("TDH.PHYMEM.PAGE.RECLAIM", "TDH.PHYMEM.PAGE.RECLAIM")).toBeNull();
    expect(collision("TDH.MEM.PAGE.REMOVE", "TDH.MEM.PAGE.REMOVE")).toBeNull();
  });

  it("keep BLOCK from BLOCK and REMOVE, TRACK from TRACK, FREEID from RECLAIM", () => {
    expect(collision("TDH.MEM.RANGE.BLOCK", "TDH.MEM.RANGE.BLOCK")).toBe("SEPT_TREE");
    expect(collision("TDH.MEM.RANGE.BLOCK", "TDH.MEM.PAGE.REMOVE")).toBe("SEPT_TREE");
    expect(collision("TDH.MEM.TRACK", "TDH.MEM.TRACK")).toBe("TD_EPOCH");
    expect(collision("TDH.MNG.KEY.FREEID", "TDH.PHYMEM.PAGE.RECLAIM")).toBe("TDR");
  });

  it("are told in words", () => {
    expect(locksOf("TDH.MEM.RANGE.BLOCK")).toBe("TDR shared, Secure EPT tree exclusive");
  });
});
