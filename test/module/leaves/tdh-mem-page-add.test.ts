import { describe, expect, it } from "vitest";
import { type Operands, TestHost, TestTd } from "../../support/module.ts";

const LEAF = "TDH.MEM.PAGE.ADD";
const GPA = 0x4000_0000;
const SOURCE = 0x1000;

function td(stage: "INITIALIZED" | "RUNNABLE" = "INITIALIZED"): TestTd {
  const tested = new TestTd(new TestHost(), { stage });
  tested.addTables(GPA);
  return tested;
}

function add(tested: TestTd, operands: Operands = {}, gpa = GPA) {
  return tested.sept(LEAF, gpa, { r8: tested.host.memory(), r9: SOURCE, ...operands });
}

describe("TDH.MEM.PAGE.ADD", () => {
  it("maps the page at once and counts it", () => {
    const tested = td();
    const before = tested.state.chldcnt;
    const r8 = tested.host.memory();
    expect(add(tested, { r8 })).toMatchObject({ status: "TDX_SUCCESS", rcx: 0n, rdx: 0n });
    expect(tested.entry(GPA)).toEqual({ rcx: BigInt(r8) + 0x8000_0000_0000_00f7n, rdx: 0x400n });
    expect(tested.state.chldcnt).toBe(before + 1);
  });

  it("is refused once the TD is finalised", () => {
    expect(add(td("RUNNABLE")).status).toBe("TDX_OP_STATE_INCORRECT");
  });

  it("takes 4 KiB pages only", () => {
    expect(add(td(), {}, GPA + 1).status).toBe("TDX_OPERAND_INVALID|RCX");
  });

  it("judges the source before the target", () => {
    const wrong = { r8: 0x123, r9: 0x123 };
    expect(add(td(), wrong).status).toBe("TDX_OPERAND_INVALID|R9");
    expect(add(td(), { r8: 0x123 }).status).toBe("TDX_OPERAND_INVALID|R8");
  });

  it("judges the entry before the source", () => {
    const tested = td();
    add(tested);
    expect(add(tested, { r9: 0x123 }).status).toBe("TDX_EPT_ENTRY_STATE_INCORRECT|RCX");
  });

  it.each([
    ["a shared HKID", 31, "TDX_SUCCESS"],
    ["a private HKID", 32, "TDX_OPERAND_INVALID|R9"],
  ])("reads its source through %s: %s", (_what, hkid, status) => {
    expect(add(td(), { r9: SOURCE + hkid * 2 ** 46 }).status).toBe(status);
  });

  it("copies what the host wrote", () => {
    const tested = td();
    const { hostMemory } = tested.host.module;
    const bytes = new Uint8Array(1024).fill(7);
    hostMemory.write(SOURCE + 1024, bytes);
    const r8 = tested.host.memory();
    add(tested, { r8 });
    expect(hostMemory.read(r8 + 1024)).toEqual(bytes);
  });

  it("needs the TDR exclusively: its own page as target is busy", () => {
    const tested = td();
    expect(add(tested, { r8: tested.tdr }).status).toBe("TDX_OPERAND_BUSY|R8");
  });
});
