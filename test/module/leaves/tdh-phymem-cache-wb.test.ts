import { describe, expect, it } from "vitest";
import { type CallOptions, TestHost, TestTd } from "../../support/module.ts";
import { block } from "../../support/teardown.ts";

const START = 0;
const RESUME = 1;
const EVERY_TEST = { quietTests: 0 };

function blocked(cacheSubBlocks = 4): TestTd {
  const td = new TestTd(new TestHost({ cacheSubBlocks }), { stage: "KEYS_CONFIGURED" });
  block(td);
  return td;
}

function writeBack({ host }: TestTd, rcx: number, options: CallOptions = {}): string {
  return host.call("TDH.PHYMEM.CACHE.WB", { rcx }, options).status;
}

function bitmap({ host }: TestTd, hkid = 0): number | undefined {
  return host.module.kot[hkid]?.wbinvdBitmap;
}

describe("TDH.PHYMEM.CACHE.WB", () => {
  it("clears the bit of the calling LP's package and leaves the HKID FLUSHED", () => {
    const td = blocked();
    expect(writeBack(td, START, { lp: 1 })).toBe("TDX_SUCCESS");
    expect(td.host.module.kot[0]).toEqual({ state: 2, wbinvdBitmap: 0b01 });
  });

  it("says NO_HKID_READY_TO_WBCACHE, no error, where no HKID is FLUSHED", () => {
    const answer = new TestHost().call("TDH.PHYMEM.CACHE.WB", { rcx: START });
    expect(answer.rax).toBe(0x0000_0821_0000_0000n);
  });

  it("takes 0 and 1 alone", () => {
    const { host } = blocked();
    for (const rcx of [2, 2n ** 52n, 2n ** 63n]) {
      expect(host.call("TDH.PHYMEM.CACHE.WB", { rcx }).status).toBe("TDX_OPERAND_INVALID|RCX");
    }
  });

  it("is interrupted between sub-blocks and goes on where it was", () => {
    const td = blocked(4);
    expect(writeBack(td, START, EVERY_TEST)).toBe("TDX_INTERRUPTED_RESUMABLE");
    expect(writeBack(td, RESUME, EVERY_TEST)).toBe("TDX_INTERRUPTED_RESUMABLE");
    expect(writeBack(td, RESUME, EVERY_TEST)).toBe("TDX_INTERRUPTED_RESUMABLE");
    expect(bitmap(td)).toBe(0b11);
    expect(writeBack(td, RESUME, EVERY_TEST)).toBe("TDX_SUCCESS");
    expect(bitmap(td)).toBe(0b10);
  });

  it("counts interrupt tests anew in every call", () => {
    const td = blocked(4);
    expect(writeBack(td, START, { quietTests: 1 })).toBe("TDX_INTERRUPTED_RESUMABLE");
    expect(writeBack(td, RESUME, { quietTests: 1 })).toBe("TDX_SUCCESS");
  });

  it("is never interrupted where there is one sub-block", () => {
    expect(writeBack(blocked(1), START, EVERY_TEST)).toBe("TDX_SUCCESS");
  });

  it("resumes on the package that was interrupted alone", () => {
    const td = blocked();
    writeBack(td, START, { lp: 0, ...EVERY_TEST });
    expect(writeBack(td, RESUME, { lp: 1 })).toBe("TDX_WBCACHE_RESUME_ERROR");
    expect(writeBack(td, RESUME, { lp: 0 })).toBe("TDX_SUCCESS");
  });

  it("cannot be resumed once complete", () => {
    const td = blocked();
    writeBack(td, START);
    expect(writeBack(td, RESUME)).toBe("TDX_WBCACHE_RESUME_ERROR");
  });

  it("may be repeated until the HKID is freed", () => {
    const td = blocked();
    expect(writeBack(td, START)).toBe("TDX_SUCCESS");
    expect(writeBack(td, START)).toBe("TDX_SUCCESS");
  });

  it("works for the HKIDs that were FLUSHED when it started", () => {
    const td = blocked();
    writeBack(td, START, EVERY_TEST);
    block(new TestTd(td.host, { stage: "CREATED" }));
    expect(writeBack(td, RESUME)).toBe("TDX_SUCCESS");
    expect([bitmap(td, 0), bitmap(td, 1)]).toEqual([0b10, 0b11]);
  });

  it("forgets the interruption point when started without an HKID to write back", () => {
    const td = blocked();
    td.host.must("TDH.PHYMEM.CACHE.WB", {}, { lp: 1 });
    td.host.must("TDH.PHYMEM.CACHE.WB", {}, { lp: 0 });
    writeBack(td, START, EVERY_TEST);
    td.host.must("TDH.MNG.KEY.FREEID", { rcx: td.tdr });
    expect(writeBack(td, START)).toBe("TDX_NO_HKID_READY_TO_WBCACHE");
    expect(writeBack(td, RESUME)).toBe("TDX_WBCACHE_RESUME_ERROR");
  });
});
