import { describe, expect, it } from "vitest";
import { BLOCKED_BITS, FREE_ENTRY, MAPPED_BITS, TestHost, TestTd } from "../../support/module.ts";

const LEAF = "TDH.MEM.SEPT.RD";
const GPA = 0x4000_0000;

function td(attributes = 0n): TestTd {
  const tested = new TestTd(new TestHost(), { attributes });
  tested.addTables(GPA);
  return tested;
}

describe("TDH.MEM.SEPT.RD", () => {
  it("shows a free entry", () => {
    expect(td().entry(GPA)).toEqual({ rcx: FREE_ENTRY, rdx: 0n });
  });

  it("shows no address of tables, blocked or not", () => {
    const tested = td();
    expect(tested.entry(GPA + 1)).toEqual({ rcx: 0x7n, rdx: 0x8401n });
    tested.mustSept("TDH.MEM.RANGE.BLOCK", GPA + 1);
    expect(tested.entry(GPA + 1)).toEqual({ rcx: 0n, rdx: 0x8101n });
  });

  it("shows the address of a pending, a mapped and a blocked page", () => {
    const tested = td();
    const page = BigInt(tested.aug(GPA));
    expect(tested.entry(GPA)).toEqual({ rcx: page + BLOCKED_BITS, rdx: 0x200n });
    tested.enter();
    tested.host.accept(GPA);
    expect(tested.entry(GPA)).toEqual({ rcx: page + MAPPED_BITS, rdx: 0x400n });
    tested.mustSept("TDH.MEM.RANGE.BLOCK", GPA);
    expect(tested.entry(GPA)).toEqual({ rcx: page + BLOCKED_BITS, rdx: 0x100n });
  });

  it("reaches nothing below a missing table, whatever was reached before", () => {
    const tested = td();
    expect(tested.entry(GPA + 4096)).toEqual({ rcx: FREE_ENTRY, rdx: 0n });
    for (const [gpa, level] of [
      [0, 2],
      [GPA - 4096, 2],
      [GPA + 2 ** 21, 1],
      [2 ** 39, 3],
    ] as const) {
      const details = { rcx: FREE_ENTRY, rdx: BigInt(level) };
      expect(tested.sept(LEAF, gpa)).toMatchObject({
        status: "TDX_EPT_WALK_FAILED|RCX",
        ...details,
      });
    }
  });

  it("reaches nothing below a blocked table", () => {
    const tested = td();
    tested.mustSept("TDH.MEM.RANGE.BLOCK", GPA + 1);
    expect(tested.sept(LEAF, GPA)).toMatchObject({
      status: "TDX_EPT_WALK_FAILED|RCX",
      rcx: 0n,
      rdx: 0x8101n,
    });
  });

  it("reads L2 attributes of a debug TD only", () => {
    const rdx = (tested: TestTd) => tested.tdr + 1;
    const [plain, debug] = [td(), td(1n)];
    expect(plain.sept(LEAF, GPA, { rdx: rdx(plain) }).status).toBe("TDX_OPERAND_INVALID|RDX");
    expect(debug.sept(LEAF, GPA, { rdx: rdx(debug), r8: 9 })).toMatchObject({
      status: "TDX_SUCCESS",
      r8: 0n,
    });
  });

  it("leaves R8 alone unless L2 attributes are asked for", () => {
    expect(td().sept(LEAF, GPA, { r8: 9 }).r8).toBe(9n);
  });

  it("refuses other low bits of RDX", () => {
    const tested = td(1n);
    expect(tested.sept(LEAF, GPA, { rdx: tested.tdr + 2 }).status).toBe("TDX_OPERAND_INVALID|RDX");
  });
});
