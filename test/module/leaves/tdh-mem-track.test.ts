import { describe, expect, it } from "vitest";
import { TestHost, TestTd } from "../../support/module.ts";

const LEAF = "TDH.MEM.TRACK";

describe("TDH.MEM.TRACK", () => {
  it("begins a new epoch, from 1 on", () => {
    const td = new TestTd(new TestHost());
    expect(td.state.tdcs.tdEpoch).toBe(1);
    expect(td.host.call(LEAF, { rcx: td.tdr }).status).toBe("TDX_SUCCESS");
    expect(td.state.tdcs.tdEpoch).toBe(2);
  });

  it("is allowed before the TD is finalised, not before it is initialised", () => {
    const host = new TestHost();
    const [initialized, added] = [
      new TestTd(host, { stage: "INITIALIZED" }),
      new TestTd(host, { stage: "ADDCX_DONE" }),
    ];
    expect(host.call(LEAF, { rcx: initialized.tdr }).status).toBe("TDX_SUCCESS");
    expect(host.call(LEAF, { rcx: added.tdr }).status).toBe("TDX_OP_STATE_INCORRECT");
  });

  it("waits for vCPUs of the epoch before, with a status that names no operand", () => {
    const td = new TestTd(new TestHost());
    td.enter();
    td.host.must(LEAF, { rcx: td.tdr });
    expect(td.host.call(LEAF, { rcx: td.tdr }).rax).toBe(0x8000_0201_0000_0000n);
  });

  it("does not wait for vCPUs of the epoch that ends", () => {
    const td = new TestTd(new TestHost());
    td.host.must(LEAF, { rcx: td.tdr });
    td.enter();
    expect(td.host.call(LEAF, { rcx: td.tdr }).status).toBe("TDX_SUCCESS");
  });

  it("leaves RCX and RDX as they were", () => {
    const td = new TestTd(new TestHost());
    expect(td.host.call(LEAF, { rcx: td.tdr, rdx: 5 })).toMatchObject({
      rcx: BigInt(td.tdr),
      rdx: 5n,
    });
  });
});
