import { describe, expect, it } from "vitest";
import { populatedHost, type TornDown, tearDown, wrongsOf } from "../support/faulted-teardown.ts";
import { PAGE } from "../support/td-vm.ts";

/** A TD of four pages and two vCPUs, torn down while SEAMCALLs fail. */
async function tornDown(
  kernel: string,
  strategy: string,
  ...faults: readonly string[]
): Promise<TornDown> {
  const host = await populatedHost({ memoryBytes: 4 * PAGE, vcpus: 2, kernel });
  return tearDown(host, strategy, faults);
}

function endOf({ result }: TornDown) {
  return result.strategies[0]?.end ?? expect.unreachable("one strategy was run");
}

describe("a RECLAIM that fails (kvm-teardown C.3)", () => {
  // 4 private pages, 3 tables, 5 TDVPX and the TDVPR of 2 vCPUs, 6 TDCX, the TDR.
  it.each([
    [1, "private page"],
    [4, "private page"],
    [5, "Secure EPT page"],
    [7, "Secure EPT page"],
    [8, "control page"],
    [13, "control page"],
    [15, "control page"],
    [20, "control page"],
    [25, "control page"],
  ])("as call %i leaks a %s and the TDR, and is warned of", async (k, what) => {
    const status = "PAGE_METADATA_INCORRECT|RCX";
    const torn = await tornDown("v16", "exit", `TDH.PHYMEM.PAGE.RECLAIM:${status}@k=${k}`);
    const { leaks, warned } = endOf(torn);
    expect(leaks).toMatchObject([
      { pages: 1, what },
      { pages: 1, what: "control page" },
    ]);
    expect(warned).toEqual({
      [`TDH.PHYMEM.PAGE.RECLAIM TDX_${status}`]: 1,
      "TDH.PHYMEM.PAGE.RECLAIM TDX_TD_ASSOCIATED_PAGES_EXIST": 1,
    });
    expect(wrongsOf(torn)).toEqual([]);
  });
});

describe("the WBINVD of the TDR that fails (kvm-teardown C.3)", () => {
  it("leaks the TDR, which is the module's no more", async () => {
    const torn = await tornDown("v16", "exit", "TDH.PHYMEM.PAGE.WBINVD:OPERAND_INVALID|RCX@k=1");
    expect(endOf(torn).leaks).toMatchObject([{ pages: 1, what: "control page" }]);
    expect(endOf(torn).warned).toEqual({ "TDH.PHYMEM.PAGE.WBINVD TDX_OPERAND_INVALID|RCX": 1 });
  });
});

describe("an HKID that is not released (kvm-teardown C.3, D.1)", () => {
  it("leaks every Secure EPT page and every control page, each told as what it was", async () => {
    const torn = await tornDown("v6.16", "runtime", "TDH.MNG.VPFLUSHDONE:FLUSHVP_NOT_DONE@k=1");
    const leaks = endOf(torn).leaks ?? [];
    const pagesOf = (what: string) =>
      leaks.reduce((sum, leak) => sum + (leak.what === what ? leak.pages : 0), 0);
    expect(pagesOf("Secure EPT page")).toBe(3);
    expect(pagesOf("control page")).toBe(2 * 6 + 6 + 1);
    expect(endOf(torn).bugged).toBe(true);
  });

  it("warns of a VP.FLUSH that fails, and gives up at FLUSHVP_NOT_DONE", async () => {
    const torn = await tornDown("v6.16", "runtime", "TDH.VP.FLUSH:OPERAND_BUSY|TDR@k=1");
    expect(endOf(torn)).toMatchObject({
      warned: { "TDH.VP.FLUSH TDX_OPERAND_BUSY|TDR": 1 },
      hkidFree: false,
    });
  });

  it("warns of a CACHE.WB that fails, and passes over it", async () => {
    const torn = await tornDown("v16", "exit", "TDH.PHYMEM.CACHE.WB:OPERAND_BUSY|WBCACHE@k=1");
    expect(endOf(torn).warned).toMatchObject({
      "TDH.PHYMEM.CACHE.WB TDX_OPERAND_BUSY|WBCACHE": 1,
      "TDH.MNG.KEY.FREEID TDX_WBCACHE_NOT_COMPLETE": 1,
    });
  });
});
