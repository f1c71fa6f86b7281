import { describe, expect, it } from "vitest";
import { type CallOptions, type Stage, TestHost, TestTd } from "../../support/module.ts";

const LEAF = "TDH.MNG.ADDCX";

function td(stage: Stage): TestTd {
  return new TestTd(new TestHost(), { stage });
}

function add(tested: TestTd, page = tested.host.page(), options: CallOptions = {}) {
  return tested.host.call(LEAF, { rcx: page, rdx: tested.tdr }, options);
}

describe("TDH.MNG.ADDCX", () => {
  it("makes the page a TDCX of the TD and counts it", () => {
    const tested = td("KEYS_CONFIGURED");
    const page = tested.host.page();
    expect(add(tested, page).status).toBe("TDX_SUCCESS");
    const entry = tested.host.call("TDH.PHYMEM.PAGE.RDMD", { rcx: page });
    expect(entry).toMatchObject({ rcx: 5n, rdx: BigInt(tested.tdr), r8: 0n });
    expect(tested.state.chldcnt).toBe(1);
  });

  it("says TD_KEYS_NOT_CONFIGURED before the keys are", () => {
    expect(add(td("CREATED")).status).toBe("TDX_TD_KEYS_NOT_CONFIGURED");
  });

  it("says TD_FATAL of a TD that is, whatever else is wrong", () => {
    const tested = td("CREATED");
    tested.state.isFatal = true;
    expect(add(tested, 0x123).status).toBe("TDX_TD_FATAL");
  });

  it("says TDCX_NUM_INCORRECT at nine pages, before it looks at the page", () => {
    const tested = td("ADDCX_DONE");
    for (let i = 0; i < 3; i++) add(tested);
    expect(add(tested, 0x123).status).toBe("TDX_TDCX_NUM_INCORRECT");
  });

  it("finds the TDR as new page locked by this very call", () => {
    const tested = td("KEYS_CONFIGURED");
    expect(add(tested, tested.tdr).status).toBe("TDX_OPERAND_BUSY|RCX");
  });

  it("needs entropy for the sixth page alone", () => {
    const tested = td("KEYS_CONFIGURED");
    const none = { hasEntropy: false };
    for (let i = 0; i < 5; i++) {
      expect(add(tested, tested.host.page(), none).status).toBe("TDX_SUCCESS");
    }
    expect(add(tested, tested.host.page(), none).status).toBe("TDX_RND_NO_ENTROPY");
    expect(tested.state.chldcnt).toBe(5);
  });

  it("looks at OP_STATE from the seventh page on, and last", () => {
    const tested = td("INITIALIZED");
    expect(add(tested, 0x123).status).toBe("TDX_OPERAND_INVALID|RCX");
    expect(add(tested).status).toBe("TDX_OP_STATE_INCORRECT");
  });

  it("overwrites the page even where it then fails", () => {
    const tested = td("INITIALIZED");
    const page = tested.host.page();
    const { hostMemory } = tested.host.module;
    hostMemory.write(page, new Uint8Array(1024).fill(1));
    add(tested, page);
    expect(hostMemory.read(page).every((byte) => byte === 0)).toBe(true);
  });

  it("is busy while a vCPU of the TD runs", () => {
    const tested = td("RUNNABLE");
    tested.enter();
    expect(add(tested).status).toBe("TDX_OPERAND_BUSY|RDX");
  });
});
