import { describe, expect, it } from "vitest";
import { BLOCKED_BITS, FREE_ENTRY, TestHost, TestTd } from "../../support/module.ts";

const LEAF = "TDH.MR.EXTEND";
const GPA = 0x4000_0000;

function td(): TestTd {
  const tested = new TestTd(new TestHost(), { stage: "INITIALIZED" });
  tested.addTables(GPA);
  return tested;
}

describe("TDH.MR.EXTEND", () => {
  it("measures any 256 bytes of an added page", () => {
    const tested = td();
    tested.mustSept("TDH.MEM.PAGE.ADD", GPA, { r8: tested.host.memory(), r9: 0x1000 });
    expect(tested.sept(LEAF, GPA + 0xf00)).toMatchObject({
      status: "TDX_SUCCESS",
      rcx: 0n,
      rdx: 0n,
    });
  });

  it("refuses a GPA that is not 256-byte aligned or not private", () => {
    expect(td().sept(LEAF, GPA + 0x80).status).toBe("TDX_OPERAND_INVALID|RCX");
    expect(td().sept(LEAF, 2 ** 47).status).toBe("TDX_OPERAND_INVALID|RCX");
  });

  it("reports a failed walk as an entry not present", () => {
    expect(td().sept(LEAF, 2 ** 39)).toMatchObject({
      status: "TDX_EPT_ENTRY_NOT_PRESENT|RCX",
      rcx: FREE_ENTRY,
      rdx: 0x3n,
    });
  });

  it("finds no content in a page that is pending", () => {
    const tested = td();
    const page = tested.aug(GPA);
    expect(tested.sept(LEAF, GPA)).toMatchObject({
      status: "TDX_EPT_ENTRY_NOT_PRESENT|RCX",
      rcx: BigInt(page) + BLOCKED_BITS,
      rdx: 0x200n,
    });
  });

  it("works on a 2 MiB leaf", () => {
    const tested = td();
    for (let i = 0; i < 512; i++) {
      const r8 = tested.host.memory();
      tested.mustSept("TDH.MEM.PAGE.ADD", GPA + i * 4096, { r8, r9: 0x1000 });
    }
    tested.mustSept("TDH.MEM.PAGE.PROMOTE", GPA + 1);
    expect(tested.sept(LEAF, GPA + 0x12_3400).status).toBe("TDX_SUCCESS");
  });

  it("is refused once the TD is finalised", () => {
    const tested = new TestTd(new TestHost());
    expect(tested.sept(LEAF, GPA).status).toBe("TDX_OP_STATE_INCORRECT");
  });
});
