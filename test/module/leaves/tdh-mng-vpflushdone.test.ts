import { describe, expect, it } from "vitest";
import { type Stage, TestHost, TestTd } from "../../support/module.ts";
import { block, flushVcpus } from "../../support/teardown.ts";

const LEAF = "TDH.MNG.VPFLUSHDONE";

describe("TDH.MNG.VPFLUSHDONE", () => {
  it.each<Stage>(["CREATED", "KEYS_CONFIGURED", "ADDCX_DONE", "INITIALIZED", "RUNNABLE"])(
    "blocks a TD that is %s and marks its HKID in every package",
    (stage) => {
      const td = new TestTd(new TestHost(), { stage });
      flushVcpus(td);
      expect(td.host.call(LEAF, { rcx: td.tdr }).status).toBe("TDX_SUCCESS");
      expect(td.state.lifecycle).toBe(2);
      expect(td.host.module.kot[0]).toEqual({ state: 2, wbinvdBitmap: 0b11 });
    },
  );

  it("waits for every vCPU to be flushed", () => {
    const { host, tdr } = new TestTd(new TestHost());
    expect(host.call(LEAF, { rcx: tdr }).rax).toBe(0x8000_0824_0000_0000n);
  });

  it("is busy while a vCPU runs", () => {
    const td = new TestTd(new TestHost());
    td.enter();
    expect(td.host.call(LEAF, { rcx: td.tdr }).rax).toBe(0x8000_0200_0000_0001n);
  });

  it("is done once", () => {
    const td = new TestTd(new TestHost());
    block(td);
    expect(td.host.call(LEAF, { rcx: td.tdr }).status).toBe("TDX_LIFECYCLE_STATE_INCORRECT");
  });

  it("leaves nothing that P-STATE lets through", () => {
    const td = new TestTd(new TestHost());
    block(td);
    expect(td.sept("TDH.MEM.SEPT.RD", 3).status).toBe("TDX_TD_KEYS_NOT_CONFIGURED");
    expect(td.host.call("TDH.MNG.RD", { rcx: td.tdr, rdx: 1 }).status).toBe(
      "TDX_TD_KEYS_NOT_CONFIGURED",
    );
  });

  it("takes a TD whose FATAL is set", () => {
    const td = new TestTd(new TestHost());
    td.state.isFatal = true;
    block(td);
    expect(td.state.lifecycle).toBe(2);
  });
});
