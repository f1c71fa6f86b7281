import { describe, expect, it } from "vitest";
import { keepUnflushed } from "../../src/kvm/teardown/zap-at-once.ts";
import { punchTd } from "../../src/lab/guest-life.ts";
import { parseWhatIfs } from "../../src/lab/what-if.ts";
import {
  populatedHost,
  session,
  type TornDown,
  tearDown,
  wrongsOf,
} from "../support/faulted-teardown.ts";
import { built, PAGE } from "../support/td-vm.ts";

const MIB = 2 ** 20;

/** A TD of four pages of 4 KiB, or of 2 MiB, that is removed at run time by ideas of a kernel. */
async function removed(
  pageSize: "4K" | "2M",
  ideas: readonly string[],
  ...faults: readonly string[]
): Promise<TornDown> {
  const bytes = pageSize === "4K" ? PAGE : 2 * MIB;
  const host = await populatedHost({ memoryBytes: 4 * bytes, pageSize, vcpus: 2 });
  return tearDown(host, "runtime", faults, { whatIf: parseWhatIfs(ideas) });
}

function entryOf({ result }: TornDown) {
  return result.strategies[0] ?? expect.unreachable("one strategy was run");
}

describe("batch-track", () => {
  it.each(["4K", "2M"] as const)("blocks each leaf of %s and tracks once", async (pageSize) => {
    const { seamcalls, statuses, end } = entryOf(await removed(pageSize, ["batch-track"]));
    expect(seamcalls.byLeaf).toMatchObject({
      "TDH.MEM.RANGE.BLOCK": 4,
      "TDH.MEM.TRACK": 1,
      "TDH.MEM.PAGE.REMOVE": 4,
    });
    expect(statuses).toEqual({ TDX_SUCCESS: seamcalls.total });
    expect(end).toEqual({ pagesLeaked: 0, hkidFree: true, tdrReclaimed: true });
  });

  it("goes on with the next leaf when BLOCKs fail, with KVM_BUG_ON, and leaks those pages", async () => {
    const fault = "TDH.MEM.RANGE.BLOCK:OPERAND_INVALID|RCX:from=2,times=2";
    const torn = await removed("4K", ["batch-track"], fault);
    const { seamcalls, end } = entryOf(torn);
    expect(seamcalls.byLeaf).toMatchObject({
      "TDH.MEM.RANGE.BLOCK": 4,
      "TDH.MEM.TRACK": 1,
      "TDH.MEM.PAGE.REMOVE": 2,
    });
    expect(end.bugged).toBe(true);
    expect(end.leaks).toContainEqual(expect.objectContaining({ pages: 2, what: "private page" }));
    expect(wrongsOf(torn)).toEqual([]);
  });

  it.each(["4K", "2M"] as const)(
    "removes no leaf of %s when the TRACK fails, with KVM_BUG_ON, and leaks all",
    async (pageSize) => {
      const fault = "TDH.MEM.TRACK:PREVIOUS_TLB_EPOCH_BUSY@k=1";
      const torn = await removed(pageSize, ["batch-track"], fault);
      const { seamcalls, end } = entryOf(torn);
      expect(seamcalls.byLeaf).not.toHaveProperty(["TDH.MEM.PAGE.REMOVE"]);
      expect(end.bugged).toBe(true);
      const pages = pageSize === "4K" ? 4 : 4 * 512;
      expect(end.leaks).toContainEqual(expect.objectContaining({ pages, what: "private page" }));
      expect(wrongsOf(torn)).toEqual([]);
    },
  );

  it("makes no TRACK where no leaf is mapped", async () => {
    const host = await populatedHost({ memoryBytes: PAGE, vcpus: 1 });
    await punchTd(host, "td", { at: 0, bytes: PAGE }, session());
    const whatIf = parseWhatIfs(["batch-track"]);
    const { seamcalls } = entryOf(await tearDown(host, "runtime", [], { whatIf }));
    expect(seamcalls.byLeaf).not.toHaveProperty(["TDH.MEM.TRACK"]);
  });
});

describe("batch-wbinvd", () => {
  it("flushes no page by SEAMCALL, and all with one WBINVD a package", async () => {
    const plain = entryOf(await removed("4K", []));
    const { seamcalls, hostWork } = entryOf(await removed("4K", ["batch-wbinvd"]));
    // The one that is left is the TDR's.
    expect(seamcalls.byLeaf["TDH.PHYMEM.PAGE.WBINVD"]).toBe(1);
    expect(hostWork.ipis).toBe(plain.hostWork.ipis + 1);
  });

  it("flushes nothing where no page was removed", async () => {
    const fault = "TDH.MEM.PAGE.REMOVE:OPERAND_INVALID|RCX";
    const plain = entryOf(await removed("4K", [], fault));
    const batched = await removed("4K", ["batch-wbinvd"], fault);
    expect(entryOf(batched).hostWork.ipis).toBe(plain.hostWork.ipis);
    expect(wrongsOf(batched)).toEqual([]);
  });

  it("keeps removed pages that follow each other as one stretch", () => {
    const { host } = built("created");
    const { vm } = host.td("a") ?? expect.unreachable("the TD is there");
    for (const [pfn, pages] of [
      [16, 2],
      [18, 4],
      [30, 1],
      [28, 2],
    ] as const) {
      keepUnflushed(vm, pfn, pages);
    }
    expect(vm.state.unflushed).toEqual([
      { pfn: 16, pages: 6 },
      { pfn: 30, pages: 1 },
      { pfn: 28, pages: 2 },
    ]);
  });
});
