import { describe, expect, it } from "vitest";
import { BLOCKED_BITS, FREE_ENTRY, MAPPED_BITS, TestHost, TestTd } from "../../support/module.ts";

const LEAF = "TDH.MEM.PAGE.AUG";
const GPA = 0x4000_0000;
const MIB_2 = 2 ** 21;

function td(): TestTd {
  const tested = new TestTd(new TestHost());
  tested.addTables(GPA);
  return tested;
}

/** A TD whose tree ends at level 1: for 2 MiB pages. */
function tdOf2M(): TestTd {
  const tested = new TestTd(new TestHost());
  tested.addTables(GPA, 1);
  return tested;
}

describe("TDH.MEM.PAGE.AUG", () => {
  it("leaves a 4 KiB page pending and counts it", () => {
    const tested = td();
    const before = tested.state.chldcnt;
    const page = tested.aug(GPA);
    expect(tested.entry(GPA)).toEqual({ rcx: BigInt(page) + BLOCKED_BITS, rdx: 0x200n });
    expect(tested.state.chldcnt).toBe(before + 1);
  });

  it("counts a 2 MiB page as 512", () => {
    const tested = tdOf2M();
    const before = tested.state.chldcnt;
    const page = tested.aug(GPA, 1);
    expect(tested.entry(GPA + 1)).toEqual({ rcx: BigInt(page) + BLOCKED_BITS, rdx: 0x201n });
    expect(tested.state.chldcnt).toBe(before + 512);
  });

  it("gives the 2 MiB PAMT entry to the TD and leaves the 4 KiB ones free", () => {
    const tested = tdOf2M();
    const page = tested.aug(GPA, 1);
    const { pamt } = tested.host.module;
    expect(pamt.type(page / MIB_2, 1)).toBe(3);
    expect(pamt.freeLength(page / 4096, 512)).toBe(512);
  });

  it("is allowed before the TD is finalised", () => {
    const tested = new TestTd(new TestHost(), { stage: "INITIALIZED" });
    tested.addTables(GPA);
    expect(tested.sept(LEAF, GPA, { r8: tested.host.memory() }).status).toBe("TDX_SUCCESS");
  });

  it("stops at the free root entry where nothing is mapped at all", () => {
    expect(new TestTd(new TestHost()).sept(LEAF, GPA)).toMatchObject({
      status: "TDX_EPT_WALK_FAILED|RCX",
      rcx: FREE_ENTRY,
      rdx: 0x3n,
    });
  });

  it("stops at the first missing table", () => {
    expect(tdOf2M().sept(LEAF, GPA)).toMatchObject({ rcx: FREE_ENTRY, rdx: 0x1n });
  });

  it("stops at a 2 MiB leaf over a 4 KiB request and shows it", () => {
    const tested = tdOf2M();
    const page = tested.aug(GPA, 1);
    tested.enter();
    tested.host.accept(GPA + 1);
    expect(tested.sept(LEAF, GPA)).toMatchObject({
      status: "TDX_EPT_WALK_FAILED|RCX",
      rcx: BigInt(page) + MAPPED_BITS,
      rdx: 0x401n,
    });
  });

  it("judges the entry before R8", () => {
    const tested = td();
    tested.aug(GPA);
    expect(tested.sept(LEAF, GPA, { r8: 0x123 }).status).toBe("TDX_EPT_ENTRY_STATE_INCORRECT|RCX");
  });

  it.each([
    ["a GPA with the shared bit", 2 ** 47 + GPA],
    ["level 2", GPA + 2],
    ["a reserved bit", GPA + 0x10],
    ["a 2 MiB page at a 4 KiB boundary", GPA + 0x1001],
  ])("refuses %s", (_what, pageInfo) => {
    expect(td().sept(LEAF, pageInfo)).toMatchObject({
      status: "TDX_OPERAND_INVALID|RCX",
      rcx: 0n,
      rdx: 0n,
    });
  });

  it("refuses a 2 MiB page that is only 4 KiB aligned", () => {
    const tested = tdOf2M();
    const r8 = tested.host.memory(MIB_2) + 4096;
    expect(tested.sept(LEAF, GPA + 1, { r8 }).status).toBe("TDX_OPERAND_INVALID|R8");
  });

  it("refuses a reserved page by its type, a page outside every TDMR by its address", () => {
    const base = 2 ** 32;
    const tdmrs = [{ base, size: 2 ** 32, reserved: [{ offset: 2 ** 31, size: 2 ** 21 }] }];
    const tested = new TestTd(new TestHost({ tdmrs }));
    tested.addTables(GPA);
    expect(tested.sept(LEAF, GPA, { r8: base + 2 ** 31 }).status).toBe(
      "TDX_PAGE_METADATA_INCORRECT|R8",
    );
    expect(tested.sept(LEAF, GPA, { r8: 0x1000 }).status).toBe("TDX_OPERAND_ADDR_RANGE_ERROR|R8");
  });

  it("refuses 2 MiB with one of its 4 KiB pages in use", () => {
    const tested = tdOf2M();
    const r8 = tested.host.memory(MIB_2);
    tested.addTables(GPA + 2 ** 30, 0);
    tested.mustSept(LEAF, GPA + 2 ** 30, { r8: r8 + 511 * 4096 });
    expect(tested.sept(LEAF, GPA + 1, { r8 }).status).toBe("TDX_PAGE_METADATA_INCORRECT|R8");
  });

  it("refuses a 4 KiB page inside a 2 MiB page in use", () => {
    const tested = tdOf2M();
    const page = tested.aug(GPA, 1);
    tested.addTables(GPA + 2 ** 30, 0);
    expect(tested.sept(LEAF, GPA + 2 ** 30, { r8: page + 4096 }).status).toBe(
      "TDX_PAGE_METADATA_INCORRECT|R8",
    );
  });

  it("finds the 2 MiB around the TD's own TDR busy", () => {
    const tested = tdOf2M();
    const r8 = Math.floor(tested.tdr / MIB_2) * MIB_2;
    expect(tested.sept(LEAF, GPA + 1, { r8 }).status).toBe("TDX_OPERAND_BUSY|R8");
  });

  it("finds the 2 MiB around the TDVPR of a running vCPU of another TD busy", () => {
    const tdmrs = [{ base: 2 ** 32, size: 2 ** 32 }];
    const host = new TestHost({ tdmrs });
    const other = new TestTd(host);
    while (host.page() % MIB_2 !== 0);
    const tested = new TestTd(host);
    tested.addTables(GPA, 1);
    const r8 = 2 ** 32;
    expect(tested.sept(LEAF, GPA + 1, { r8 }).status).toBe("TDX_PAGE_METADATA_INCORRECT|R8");
    other.enter();
    expect(tested.sept(LEAF, GPA + 1, { r8 }).status).toBe("TDX_OPERAND_BUSY|R8");
  });

  it("reaches GPAs up to bit 50 where GPAW says 52 bits", () => {
    const tested = new TestTd(new TestHost(), { pwl: 4, gpaw: 1 });
    const gpa = 2 ** 51 - 4096;
    tested.addTables(gpa);
    expect(tested.sept(LEAF, gpa, { r8: tested.host.memory() }).status).toBe("TDX_SUCCESS");
    expect(tested.sept(LEAF, gpa + 4096).status).toBe("TDX_OPERAND_INVALID|RCX");
  });
});
