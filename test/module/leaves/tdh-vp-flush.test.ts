import { describe, expect, it } from "vitest";
import { tdhVpFlush } from "../../../src/module/leaves/tdh-vp-flush.ts";
import { RCX, Registers } from "../../../src/module/registers.ts";
import { TestHost, TestTd } from "../../support/module.ts";
import { block } from "../../support/teardown.ts";

const LEAF = "TDH.VP.FLUSH";

describe("TDH.VP.FLUSH", () => {
  it("ends the association, so that another LP can enter the vCPU", () => {
    const td = new TestTd(new TestHost());
    td.host.must(LEAF, { rcx: td.tdvpr[0] as number });
    expect(td.state.tdcs.numAssocVcpus).toBe(0);
    td.enter(0, 1);
  });

  it("must run on the LP that the vCPU is associated with", () => {
    const { host, tdvpr } = new TestTd(new TestHost());
    const answer = host.call(LEAF, { rcx: tdvpr[0] as number }, { lp: 1 });
    expect(answer.rax).toBe(0x8000_0702_0000_0000n);
  });

  it("says VCPU_NOT_ASSOCIATED of one flushed already", () => {
    const { host, tdvpr } = new TestTd(new TestHost());
    const rcx = tdvpr[0] as number;
    host.must(LEAF, { rcx });
    expect(host.call(LEAF, { rcx }).status).toBe("TDX_VCPU_NOT_ASSOCIATED");
  });

  it("counts the vCPU's pages first", () => {
    const { host, tdr } = new TestTd(new TestHost(), { stage: "INITIALIZED" });
    const rcx = host.page();
    host.must("TDH.VP.CREATE", { rcx, rdx: tdr });
    expect(host.call(LEAF, { rcx }).status).toBe("TDX_TDCX_NUM_INCORRECT");
  });

  it("says TD_KEYS_NOT_CONFIGURED after VPFLUSHDONE", () => {
    const td = new TestTd(new TestHost());
    block(td);
    const answer = td.host.call(LEAF, { rcx: td.tdvpr[0] as number });
    expect(answer.status).toBe("TDX_TD_KEYS_NOT_CONFIGURED");
  });

  it("is uniform over vCPUs of one TD that are associated with the LPs it runs on", () => {
    const { host, tdvpr } = new TestTd(new TestHost(), { vcpus: 4 });
    const [rcx = 0, next = 0, third = 0] = tdvpr;
    const r = new Registers();
    r.setNumber(RCX, rcx);
    const reach = (lp: number, lpStride = 0) => {
      const span = { rcxStride: next - rcx, r8Stride: 0, addedLevels: 0, lpStride };
      return tdhVpFlush.reach?.(host.module, r, 6, span, lp);
    };
    // All four were made on LP 0.
    expect(reach(0)).toBe(4);
    expect(reach(1)).toBe(1);
    expect(reach(0, 1)).toBe(1);
    host.must(LEAF, { rcx: third });
    expect(reach(0)).toBe(2);
  });

  it("works on a TD whose FATAL is set", () => {
    const { host, tdvpr, state } = new TestTd(new TestHost());
    state.isFatal = true;
    expect(host.call(LEAF, { rcx: tdvpr[0] as number }).status).toBe("TDX_SUCCESS");
  });
});
