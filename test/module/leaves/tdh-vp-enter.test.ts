import { describe, expect, it } from "vitest";
import { vpExit } from "../../../src/module/guest.ts";
import { type Operands, TestHost, TestTd } from "../../support/module.ts";
import { freeHkid } from "../../support/teardown.ts";

const LEAF = "TDH.VP.ENTER";
const HOST_RECOVERABILITY_HINT = 2n ** 52n;
const RESUME_L1 = 2n ** 53n;

function enter({ host, tdvpr }: TestTd, lp = 0, operands: Operands = {}) {
  return host.call(LEAF, { rcx: tdvpr[0] as number, ...operands }, { lp });
}

/** vCPU 0 idle and not associated. */
function flushed(): TestTd {
  const td = new TestTd(new TestHost());
  td.host.must("TDH.VP.FLUSH", { rcx: td.tdvpr[0] as number });
  return td;
}

/** A TD whose TDVPR is the first page of a 2 MiB region with no TDR in it. */
function withDistantTdvpr(): { td: TestTd; region: number } {
  const td = new TestTd(new TestHost(), { stage: "INITIALIZED", vcpus: 0 });
  const region = td.host.memory(2 ** 21);
  td.host.must("TDH.VP.CREATE", { rcx: region, rdx: td.tdr });
  for (let i = 0; i < 5; i++) {
    td.host.must("TDH.VP.ADDCX", { rcx: td.host.page(), rdx: region });
  }
  td.host.must("TDH.VP.INIT", { rcx: region });
  td.host.must("TDH.MR.FINALIZE", { rcx: td.tdr });
  return { td, region };
}

describe("TDH.VP.ENTER", () => {
  it("runs the vCPU on the calling LP and counts it in the epoch's parity", () => {
    const td = new TestTd(new TestHost());
    expect(enter(td).status).toBe("TDX_SUCCESS");
    expect(td.host.module.guests[0]?.page).toBe((td.tdvpr[0] as number) / 4096);
    expect(td.state.tdcs.refcount).toEqual([0, 1]);
  });

  it("associates an idle vCPU with the LP", () => {
    const td = flushed();
    enter(td, 1);
    expect(td.state.tdcs.numAssocVcpus).toBe(1);
    vpExit(td.host.module, 1);
    expect(enter(td, 0).rax).toBe(0x8000_0701_0000_0000n);
  });

  it("says OP_STATE_INCORRECT before MR.FINALIZE", () => {
    const td = new TestTd(new TestHost(), { stage: "INITIALIZED" });
    const rcx = BigInt(td.tdvpr[0] as number);
    expect(enter(td)).toMatchObject({ rax: 0xc000_0608_0000_0000n, rcx, rdx: 0n });
  });

  it("says VCPU_STATE_INCORRECT of a vCPU that runs elsewhere, VCPU_ASSOCIATED of an idle one", () => {
    const td = new TestTd(new TestHost());
    expect(enter(td, 1).status).toBe("TDX_VCPU_ASSOCIATED");
    enter(td, 0);
    expect(enter(td, 1).status).toBe("TDX_VCPU_STATE_INCORRECT");
  });

  it("says TD_KEYS_NOT_CONFIGURED once the TD is torn down", () => {
    const td = new TestTd(new TestHost());
    freeHkid(td);
    expect(enter(td).status).toBe("TDX_TD_KEYS_NOT_CONFIGURED");
  });

  it("counts the pages of a vCPU before its state", () => {
    const td = new TestTd(new TestHost(), { stage: "INITIALIZED" });
    const rcx = td.host.page();
    td.host.must("TDH.VP.CREATE", { rcx, rdx: td.tdr });
    td.host.must("TDH.MR.FINALIZE", { rcx: td.tdr });
    expect(enter(td, 0, { rcx }).status).toBe("TDX_TDCX_NUM_INCORRECT");
  });

  it.each([
    ["bit 54", 2n ** 54n],
    ["bit 63", 2n ** 63n],
    ["bit 3", 8n],
  ])("refuses %s of RCX before it looks at the vCPU", (_what, bits) => {
    const td = new TestTd(new TestHost());
    const rcx = BigInt(td.tdr) | bits;
    expect(enter(td, 0, { rcx }).status).toBe("TDX_OPERAND_INVALID|RCX");
  });

  it.each([
    ["HOST_RECOVERABILITY_HINT", HOST_RECOVERABILITY_HINT],
    ["RESUME_L1", RESUME_L1],
  ])("refuses %s, but leaves the vCPU associated", (_what, flag) => {
    const td = flushed();
    const rcx = BigInt(td.tdvpr[0] as number) | flag;
    expect(enter(td, 1, { rcx }).status).toBe("TDX_OPERAND_INVALID|RCX");
    expect(td.state.tdcs.numAssocVcpus).toBe(1);
    expect(enter(td, 0).status).toBe("TDX_VCPU_ASSOCIATED");
  });

  it("executed several times at once ends as the last one does", () => {
    const td = new TestTd(new TestHost());
    const rcx = td.tdvpr[0] as number;
    td.host.must(LEAF, { rcx }, { count: 1000 });
    expect(td.state.tdcs.refcount).toEqual([0, 1]);
    vpExit(td.host.module, 0);
    expect(td.host.module.runningVcpus).toBe(0);
  });

  describe("holds, until TD exit,", () => {
    it.each([
      ["the TDR shared", "TDH.MNG.VPFLUSHDONE", "TDX_OPERAND_BUSY|RCX"],
      ["the TDR shared", "TDH.MR.FINALIZE", "TDX_OPERAND_BUSY|RCX"],
    ])("%s: %s is busy", (_what, leaf, status) => {
      const td = new TestTd(new TestHost());
      enter(td);
      expect(td.host.call(leaf, { rcx: td.tdr }).status).toBe(status);
      vpExit(td.host.module, 0);
      expect(td.host.call(leaf, { rcx: td.tdr }).status).not.toBe(status);
    });

    it("its TDVPR shared: VP.FLUSH is busy", () => {
      const td = new TestTd(new TestHost());
      enter(td);
      const flush = () => td.host.call("TDH.VP.FLUSH", { rcx: td.tdvpr[0] as number }).status;
      expect(flush()).toBe("TDX_OPERAND_BUSY|RCX");
      vpExit(td.host.module, 0);
      expect(flush()).toBe("TDX_SUCCESS");
    });

    it("the 2 MiB entry over its TDVPR shared: AUG there is busy, else the page is not free", () => {
      const { td, region } = withDistantTdvpr();
      const other = new TestTd(td.host);
      other.addTables(0, 1);
      const aug = () => other.sept("TDH.MEM.PAGE.AUG", 1, { r8: region }).status;
      expect(aug()).toBe("TDX_PAGE_METADATA_INCORRECT|R8");
      enter(td, 0, { rcx: region });
      expect(aug()).toBe("TDX_OPERAND_BUSY|R8");
      vpExit(td.host.module, 0);
      expect(aug()).toBe("TDX_PAGE_METADATA_INCORRECT|R8");
    });
  });
});
