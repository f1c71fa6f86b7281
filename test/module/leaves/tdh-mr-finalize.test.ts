import { describe, expect, it } from "vitest";
import { TestHost, TestTd } from "../../support/module.ts";

const LEAF = "TDH.MR.FINALIZE";

describe("TDH.MR.FINALIZE", () => {
  it("makes the TD RUNNABLE, once", () => {
    const { host, tdr, state } = new TestTd(new TestHost(), { stage: "INITIALIZED" });
    expect(host.call(LEAF, { rcx: tdr }).status).toBe("TDX_SUCCESS");
    expect(state.tdcs.opState).toBe(2);
    expect(host.call(LEAF, { rcx: tdr }).status).toBe("TDX_OP_STATE_INCORRECT");
  });

  it("wants a vCPU that VP.INIT made", () => {
    const { host, tdr } = new TestTd(new TestHost(), { stage: "INITIALIZED", vcpus: 0 });
    host.must("TDH.VP.CREATE", { rcx: host.page(), rdx: tdr });
    expect(host.call(LEAF, { rcx: tdr }).status).toBe("TDX_NO_VCPUS");
  });

  it.each([
    ["CREATED", "TDX_TD_KEYS_NOT_CONFIGURED"],
    ["KEYS_CONFIGURED", "TDX_TDCS_NOT_ALLOCATED"],
    ["ADDCX_DONE", "TDX_OP_STATE_INCORRECT"],
  ] as const)("refuses a TD that is only %s: %s", (stage, status) => {
    const { host, tdr } = new TestTd(new TestHost(), { stage });
    expect(host.call(LEAF, { rcx: tdr }).status).toBe(status);
  });
});
