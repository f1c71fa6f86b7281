import { describe, expect, it } from "vitest";
import { BLOCKED_BITS, MAPPED_BITS, TestHost, TestTd } from "../../support/module.ts";

const LEAF = "TDH.MEM.RANGE.UNBLOCK";
const BLOCK = "TDH.MEM.RANGE.BLOCK";
const TRACK = "TDH.MEM.TRACK";
const GPA = 0x4000_0000;

function mapped(stage: "INITIALIZED" | "RUNNABLE" = "RUNNABLE") {
  const td = new TestTd(new TestHost(), { stage });
  td.addTables(GPA);
  return { td, page: td.aug(GPA), host: td.host };
}

describe("TDH.MEM.RANGE.UNBLOCK", () => {
  it("gives a blocked page its state back, pending or mapped", () => {
    const { td, page, host } = mapped();
    td.mustSept(BLOCK, GPA);
    host.must(TRACK, { rcx: td.tdr });
    expect(td.sept(LEAF, GPA)).toMatchObject({ status: "TDX_SUCCESS", rcx: 0n, rdx: 0n });
    expect(td.entry(GPA)).toEqual({ rcx: BigInt(page) + BLOCKED_BITS, rdx: 0x200n });
    td.enter();
    host.accept(GPA);
    td.mustSept(BLOCK, GPA);
    host.must(TRACK, { rcx: td.tdr });
    host.accept(GPA);
    td.mustSept(LEAF, GPA);
    expect(td.entry(GPA)).toEqual({ rcx: BigInt(page) + MAPPED_BITS, rdx: 0x400n });
  });

  it("needs a passed epoch, and names the tree where it has not", () => {
    const { td } = mapped();
    td.mustSept(BLOCK, GPA);
    expect(td.sept(LEAF, GPA)).toMatchObject({
      status: "TDX_TLB_TRACKING_NOT_DONE|SEPT_TREE",
      rax: 0xc000_0b08_0000_0092n,
      rcx: 0n,
      rdx: 0n,
    });
  });

  it("waits for vCPUs that were inside when the page was blocked", () => {
    const { td, host } = mapped();
    td.enter();
    td.mustSept(BLOCK, GPA);
    host.must(TRACK, { rcx: td.tdr });
    expect(td.sept(LEAF, GPA).status).toBe("TDX_TLB_TRACKING_NOT_DONE|SEPT_TREE");
    host.accept(GPA);
    expect(td.sept(LEAF, GPA).status).toBe("TDX_SUCCESS");
  });

  it("needs no epoch before the TD is finalised", () => {
    const { td } = mapped("INITIALIZED");
    td.mustSept(BLOCK, GPA);
    expect(td.sept(LEAF, GPA).status).toBe("TDX_SUCCESS");
  });

  it("refuses an entry that is not blocked and shows it", () => {
    const { td, page } = mapped();
    expect(td.sept(LEAF, GPA)).toMatchObject({
      status: "TDX_EPT_ENTRY_STATE_INCORRECT|RCX",
      rcx: BigInt(page) + BLOCKED_BITS,
      rdx: 0x200n,
    });
  });

  it("makes a blocked table reachable again, and its L2 counterpart with it", () => {
    const td = new TestTd(new TestHost(), { numL2Vms: 1 });
    const { host } = td;
    td.mustSept(
      "TDH.MEM.SEPT.ADD",
      3,
      { r8: host.page(), r9: host.page(), r10: -1, r11: -1 },
      {
        version: 1,
      },
    );
    const [l2] = td.state.l2Septs;
    td.mustSept(BLOCK, 3);
    expect(td.entry(3)).toEqual({ rcx: 0n, rdx: 0x8103n });
    expect(l2?.walk(0, 2)).toBe(false);
    host.must(TRACK, { rcx: td.tdr });
    td.mustSept(LEAF, 3);
    expect(td.entry(3)).toEqual({ rcx: 7n, rdx: 0x8403n });
    expect(l2?.walk(0, 2)).toBe(true);
  });
});
