import { describe, expect, it } from "vitest";
import { TestHost, TestTd } from "../../support/module.ts";

const LEAF = "TDH.VP.ADDCX";

function created(): { td: TestTd; tdvpr: number } {
  const td = new TestTd(new TestHost(), { stage: "INITIALIZED" });
  const tdvpr = td.host.page();
  td.host.must("TDH.VP.CREATE", { rcx: tdvpr, rdx: td.tdr });
  return { td, tdvpr };
}

describe("TDH.VP.ADDCX", () => {
  it("makes the page a TDCX that belongs to the TDR", () => {
    const { td, tdvpr } = created();
    const page = td.host.page();
    const before = td.state.chldcnt;
    td.host.must(LEAF, { rcx: page, rdx: tdvpr });
    const entry = td.host.call("TDH.PHYMEM.PAGE.RDMD", { rcx: page });
    expect(entry).toMatchObject({ rcx: 5n, rdx: BigInt(td.tdr) });
    expect(td.state.chldcnt).toBe(before + 1);
  });

  it("takes up to 15 pages, whatever the TD needs", () => {
    const { td, tdvpr } = created();
    for (let i = 1; i < 15; i++) td.host.must(LEAF, { rcx: td.host.page(), rdx: tdvpr });
    const answer = td.host.call(LEAF, { rcx: 0x123, rdx: tdvpr });
    expect(answer.status).toBe("TDX_TDCX_NUM_INCORRECT");
  });

  it("refuses a vCPU that is initialised", () => {
    const { host, tdvpr } = new TestTd(new TestHost(), { stage: "INITIALIZED" });
    const answer = host.call(LEAF, { rcx: host.page(), rdx: tdvpr[0] as number });
    expect(answer.status).toBe("TDX_VCPU_STATE_INCORRECT");
  });

  it("looks at OP_STATE before the vCPU", () => {
    const { host, tdvpr } = new TestTd(new TestHost());
    const answer = host.call(LEAF, { rcx: host.page(), rdx: tdvpr[0] as number });
    expect(answer.status).toBe("TDX_OP_STATE_INCORRECT");
  });

  it("finds the vCPU locked while it runs", () => {
    const td = new TestTd(new TestHost());
    td.enter();
    const operands = { rcx: td.host.page(), rdx: td.tdvpr[0] as number };
    expect(td.host.call(LEAF, operands).status).toBe("TDX_OPERAND_BUSY|RDX");
  });

  it("finds the TDVPR as new page locked by this very call", () => {
    const { td, tdvpr } = created();
    expect(td.host.call(LEAF, { rcx: tdvpr, rdx: tdvpr }).status).toBe("TDX_OPERAND_BUSY|RCX");
  });

  it("finds the TDR as new page locked by this very call", () => {
    const { td, tdvpr } = created();
    expect(td.host.call(LEAF, { rcx: td.tdr, rdx: tdvpr }).status).toBe("TDX_OPERAND_BUSY|RCX");
  });

  it("takes a TDVPR alone", () => {
    const { td } = created();
    const answer = td.host.call(LEAF, { rcx: td.host.page(), rdx: td.tdr });
    expect(answer.status).toBe("TDX_PAGE_METADATA_INCORRECT|RDX");
  });
});
