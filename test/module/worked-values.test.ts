import { describe, expect, it } from "vitest";
import { TestHost, TestTd } from "../support/module.ts";

const AUG = "TDH.MEM.PAGE.AUG";
const BLOCK = "TDH.MEM.RANGE.BLOCK";
const UNBLOCK = "TDH.MEM.RANGE.UNBLOCK";
const REMOVE = "TDH.MEM.PAGE.REMOVE";
const TRACK = "TDH.MEM.TRACK";
const GPA = 0x4000_0000;
const HPA = 0x1_2345_6000;

/** A mapped 4 KiB page at HPA 0x123456000, as ABI 12 assumes. */
function mapped() {
  const td = new TestTd(new TestHost({ tdmrs: [{ base: 2 ** 32, size: 2 ** 32 }] }));
  td.addTables(GPA);
  td.mustSept(AUG, GPA, { r8: HPA });
  td.enter();
  td.host.accept(GPA);
  td.host.accept(0);
  return { td, host: td.host };
}

function values(answer: { rax: bigint; rcx: bigint; rdx: bigint }): bigint[] {
  return [answer.rax, answer.rcx, answer.rdx];
}

describe("ABI 12, worked values", () => {
  it("AUG on a mapped entry", () => {
    const { td } = mapped();
    expect(values(td.sept(AUG, GPA))).toEqual([
      0xc000_0b0d_0000_0001n,
      0x8000_0001_2345_60f7n,
      0x400n,
    ]);
  });

  it("BLOCK twice", () => {
    const { td } = mapped();
    expect(values(td.sept(BLOCK, GPA))).toEqual([0n, 0n, 0n]);
    expect(values(td.sept(BLOCK, GPA))).toEqual([
      0x0000_0b07_0000_0001n,
      0x8000_0001_2345_60f0n,
      0x100n,
    ]);
  });

  it("REMOVE without BLOCK, before TRACK and after it", () => {
    const { td, host } = mapped();
    expect(values(td.sept(REMOVE, GPA))).toEqual([
      0xc000_0b06_0000_0001n,
      0x8000_0001_2345_60f7n,
      0x400n,
    ]);
    td.mustSept(BLOCK, GPA);
    expect(values(td.sept(REMOVE, GPA))).toEqual([0xc000_0b08_0000_0001n, 0n, 0n]);
    expect(values(td.sept(UNBLOCK, GPA))).toEqual([0xc000_0b08_0000_0092n, 0n, 0n]);
    host.must(TRACK, { rcx: td.tdr });
    expect(values(td.sept(REMOVE, GPA))).toEqual([0n, BigInt(HPA), 0n]);
  });

  it("the TLB tracking timeline: the epoch waits for vCPUs of the one before", () => {
    const { td, host } = mapped();
    const remove = () => td.sept(REMOVE, GPA).status;
    const track = () => host.call(TRACK, { rcx: td.tdr }).status;
    td.enter();
    td.mustSept(BLOCK, GPA);
    expect(remove()).toBe("TDX_TLB_TRACKING_NOT_DONE|RCX");
    expect(track()).toBe("TDX_SUCCESS");
    expect(remove()).toBe("TDX_TLB_TRACKING_NOT_DONE|RCX");
    expect(track()).toBe("TDX_PREVIOUS_TLB_EPOCH_BUSY");
    host.accept(0);
    td.enter();
    expect(td.state.tdcs.refcount).toEqual([1, 0]);
    expect(remove()).toBe("TDX_SUCCESS");
  });
});

describe("TDH.MEM.PAGE.REMOVE", () => {
  it("needs neither BLOCK nor TRACK before the TD is finalised", () => {
    const td = new TestTd(new TestHost(), { stage: "INITIALIZED" });
    td.addTables(GPA);
    td.aug(GPA);
    const before = td.state.chldcnt;
    expect(td.sept(REMOVE, GPA).status).toBe("TDX_SUCCESS");
    expect(td.state.chldcnt).toBe(before - 1);
  });

  it("needs both for a page that was never accepted", () => {
    const td = new TestTd(new TestHost());
    td.addTables(GPA);
    td.aug(GPA);
    expect(td.sept(REMOVE, GPA).status).toBe("TDX_GPA_RANGE_NOT_BLOCKED|RCX");
  });

  it("leaves the owner of a freed page to be seen", () => {
    const { td, host } = mapped();
    td.mustSept(BLOCK, GPA);
    host.must(TRACK, { rcx: td.tdr });
    td.mustSept(REMOVE, GPA);
    expect(host.call("TDH.PHYMEM.PAGE.RDMD", { rcx: HPA })).toMatchObject({
      rcx: 0n,
      rdx: BigInt(td.tdr),
    });
  });

  it("takes 2 MiB pages whole", () => {
    const td = new TestTd(new TestHost(), { stage: "INITIALIZED" });
    td.addTables(GPA, 1);
    const before = td.state.chldcnt;
    const page = td.aug(GPA, 1);
    expect(td.mustSept(REMOVE, GPA + 1).rcx).toBe(BigInt(page));
    expect(td.state.chldcnt).toBe(before);
  });

  it("refuses a table", () => {
    const { td } = mapped();
    expect(td.sept(REMOVE, GPA + 1).status).toBe("TDX_EPT_ENTRY_STATE_INCORRECT|RCX");
  });
});

describe("TDH.MEM.RANGE.BLOCK", () => {
  it("refuses a free entry", () => {
    const { td } = mapped();
    expect(td.sept(BLOCK, GPA + 4096).status).toBe("TDX_EPT_ENTRY_STATE_INCORRECT|RCX");
  });

  it("notes the epoch of the page it blocks", () => {
    const { td, host } = mapped();
    host.must(TRACK, { rcx: td.tdr });
    td.mustSept(BLOCK, GPA);
    expect(host.call("TDH.PHYMEM.PAGE.RDMD", { rcx: HPA }).r9).toBe(2n);
  });

  it("leaves pages below a blocked table as they are", () => {
    const { td, host } = mapped();
    td.mustSept(BLOCK, GPA + 1);
    host.must(TRACK, { rcx: td.tdr });
    td.mustSept(UNBLOCK, GPA + 1);
    expect(td.entry(GPA).rdx).toBe(0x400n);
  });
});
