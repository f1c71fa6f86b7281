import { describe, expect, it } from "vitest";
import { TestHost, TestTd } from "../../support/module.ts";
import { block, writeBackCaches } from "../../support/teardown.ts";

const LEAF = "TDH.MNG.KEY.FREEID";

function blocked(): TestTd {
  const td = new TestTd(new TestHost());
  block(td);
  return td;
}

describe("TDH.MNG.KEY.FREEID", () => {
  it("frees the HKID for the next TD and puts this one in TD_TEARDOWN", () => {
    const td = blocked();
    writeBackCaches(td.host);
    td.host.must(LEAF, { rcx: td.tdr });
    expect(td.state.lifecycle).toBe(3);
    td.host.must("TDH.MNG.CREATE", { rcx: td.host.page(), rdx: td.hkid });
  });

  it("waits for the caches of every package", () => {
    const { host, tdr } = blocked();
    host.must("TDH.PHYMEM.CACHE.WB", {}, { lp: 1 });
    expect(host.call(LEAF, { rcx: tdr }).status).toBe("TDX_WBCACHE_NOT_COMPLETE");
  });

  it("says LIFECYCLE_STATE_INCORRECT before VPFLUSHDONE and after itself", () => {
    const { host, tdr } = new TestTd(new TestHost());
    expect(host.call(LEAF, { rcx: tdr }).status).toBe("TDX_LIFECYCLE_STATE_INCORRECT");
    const td = blocked();
    writeBackCaches(td.host);
    td.host.must(LEAF, { rcx: td.tdr });
    expect(td.host.call(LEAF, { rcx: td.tdr }).status).toBe("TDX_LIFECYCLE_STATE_INCORRECT");
  });
});
