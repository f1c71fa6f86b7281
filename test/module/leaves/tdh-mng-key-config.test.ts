import { describe, expect, it } from "vitest";
import { TestHost, TestTd } from "../../support/module.ts";
import { block } from "../../support/teardown.ts";

const LEAF = "TDH.MNG.KEY.CONFIG";

function created(lpToPackage = [0, 1]): TestTd {
  return new TestTd(new TestHost({ lpToPackage }), { stage: "CREATED" });
}

describe("TDH.MNG.KEY.CONFIG", () => {
  it("ends in TD_KEYS_CONFIGURED after the last package, in whatever order", () => {
    const { host, tdr, state } = created();
    host.must(LEAF, { rcx: tdr }, { lp: 1 });
    expect(state.lifecycle).toBe(0);
    host.must(LEAF, { rcx: tdr }, { lp: 0 });
    expect(state.lifecycle).toBe(1);
  });

  it("says KEY_CONFIGURED, no error, on a package done while others are not", () => {
    const { host, tdr } = created();
    host.must(LEAF, { rcx: tdr });
    expect(host.call(LEAF, { rcx: tdr }).rax).toBe(0x0000_0815_0000_0000n);
  });

  it("says LIFECYCLE_STATE_INCORRECT once every package is done", () => {
    const { host, tdr } = created([0]);
    host.must(LEAF, { rcx: tdr });
    expect(host.call(LEAF, { rcx: tdr }).status).toBe("TDX_LIFECYCLE_STATE_INCORRECT");
  });

  it("says LIFECYCLE_STATE_INCORRECT in TD_BLOCKED", () => {
    const td = created();
    block(td);
    expect(td.host.call(LEAF, { rcx: td.tdr }).status).toBe("TDX_LIFECYCLE_STATE_INCORRECT");
  });

  it.each([
    ["DEVICE_BUSY", "TDX_OPERAND_BUSY|KET"],
    ["ENTROPY_ERROR", "TDX_KEY_GENERATION_FAILED"],
  ] as const)("can be tried again after %s: %s", (pconfig, status) => {
    const { host, tdr } = created();
    expect(host.call(LEAF, { rcx: tdr }, { pconfig }).status).toBe(status);
    expect(host.call(LEAF, { rcx: tdr }).status).toBe("TDX_SUCCESS");
  });

  it("takes a TDR alone", () => {
    const host = new TestHost();
    const answer = host.call(LEAF, { rcx: host.page() });
    expect(answer.status).toBe("TDX_PAGE_METADATA_INCORRECT|RCX");
  });

  it("gives up on a TD whose FATAL is set", () => {
    const { host, tdr, state } = created();
    state.isFatal = true;
    expect(host.call(LEAF, { rcx: tdr }).status).toBe("TDX_TD_FATAL");
  });
});
