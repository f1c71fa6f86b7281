import { describe, expect, it } from "vitest";
import { TestHost, TestTd } from "../../support/module.ts";
import { freeHkid } from "../../support/teardown.ts";

const LEAF = "TDH.VP.CREATE";

describe("TDH.VP.CREATE", () => {
  it("makes the page a TDVPR of the TD and counts it in CHLDCNT, not in NUM_VCPUS", () => {
    const td = new TestTd(new TestHost(), { stage: "INITIALIZED", vcpus: 0 });
    const page = td.host.page();
    const before = td.state.chldcnt;
    td.host.must(LEAF, { rcx: page, rdx: td.tdr });
    const entry = td.host.call("TDH.PHYMEM.PAGE.RDMD", { rcx: page });
    expect(entry).toMatchObject({ rcx: 6n, rdx: BigInt(td.tdr) });
    expect(td.state.chldcnt).toBe(before + 1);
    expect(td.state.tdcs.numVcpus).toBe(0);
  });

  it.each([
    ["KEYS_CONFIGURED", "TDX_TDCS_NOT_ALLOCATED"],
    ["ADDCX_DONE", "TDX_OP_STATE_INCORRECT"],
    ["RUNNABLE", "TDX_OP_STATE_INCORRECT"],
  ] as const)("refuses a TD that is %s: %s", (stage, status) => {
    const { host, tdr } = new TestTd(new TestHost(), { stage });
    expect(host.call(LEAF, { rcx: host.page(), rdx: tdr }).status).toBe(status);
  });

  it("judges the TD before the page", () => {
    const td = new TestTd(new TestHost());
    const call = () => td.host.call(LEAF, { rcx: 0x123, rdx: td.tdr }).status;
    expect(call()).toBe("TDX_OP_STATE_INCORRECT");
    freeHkid(td);
    expect(call()).toBe("TDX_TD_KEYS_NOT_CONFIGURED");
  });

  it("finds the TDR as new page locked by this very call", () => {
    const { host, tdr } = new TestTd(new TestHost(), { stage: "INITIALIZED" });
    expect(host.call(LEAF, { rcx: tdr, rdx: tdr }).status).toBe("TDX_OPERAND_BUSY|RCX");
  });
});
