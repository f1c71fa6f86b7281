import { describe, expect, it } from "vitest";
import { ALL_ONES, TestHost, TestTd } from "../../support/module.ts";

const LEAF = "TDH.MEM.SEPT.REMOVE";
const BLOCK = "TDH.MEM.RANGE.BLOCK";
const TRACK = "TDH.MEM.TRACK";
const GPA = 0x4000_0000;
const PARENT = GPA + 1;

/** A TD with an empty table for 4 KiB entries at `table`. */
function empty(stage: "INITIALIZED" | "RUNNABLE" = "RUNNABLE") {
  const td = new TestTd(new TestHost(), { stage });
  const table = td.addTables(GPA).at(-1) as number;
  return { td, host: td.host, table };
}

function blocked() {
  const made = empty();
  made.td.mustSept(BLOCK, PARENT);
  made.host.must(TRACK, { rcx: made.td.tdr });
  return made;
}

describe("TDH.MEM.SEPT.REMOVE", () => {
  it("frees an empty table that is blocked and tracked", () => {
    const { td, host, table } = blocked();
    const before = td.state.chldcnt;
    expect(td.sept(LEAF, PARENT)).toMatchObject({
      status: "TDX_SUCCESS",
      rcx: BigInt(table),
      rdx: 0n,
    });
    expect(td.entry(PARENT).rdx).toBe(0x1n);
    expect(td.state.chldcnt).toBe(before - 1);
    expect(host.call("TDH.PHYMEM.PAGE.RDMD", { rcx: table }).rcx).toBe(0n);
  });

  it("needs the table blocked and its epoch passed", () => {
    const { td } = empty();
    expect(td.sept(LEAF, PARENT)).toMatchObject({
      status: "TDX_GPA_RANGE_NOT_BLOCKED|RCX",
      rcx: 0x7n,
      rdx: 0x8401n,
    });
    td.mustSept(BLOCK, PARENT);
    expect(td.sept(LEAF, PARENT)).toMatchObject({
      status: "TDX_TLB_TRACKING_NOT_DONE|RCX",
      rcx: 0n,
      rdx: 0n,
    });
  });

  it("needs neither before the TD is finalised", () => {
    expect(empty("INITIALIZED").td.sept(LEAF, PARENT).status).toBe("TDX_SUCCESS");
  });

  it("refuses a table with an entry in use", () => {
    const { td, host } = empty();
    td.aug(GPA + 511 * 4096);
    td.mustSept(BLOCK, PARENT);
    host.must(TRACK, { rcx: td.tdr });
    expect(td.sept(LEAF, PARENT)).toMatchObject({
      status: "TDX_EPT_PAGE_NOT_FREE|RCX",
      rax: 0xc000_0b0e_0000_0001n,
      rcx: 0n,
      rdx: 0x8101n,
    });
  });

  it("minds no entry of the tables beside", () => {
    const { td, table } = empty("INITIALIZED");
    for (const gpa of [GPA - 2 ** 21, GPA + 2 ** 21]) td.addTables(gpa);
    for (const gpa of [GPA - 4096, GPA + 2 ** 21]) td.aug(gpa);
    expect(td.sept(LEAF, PARENT)).toMatchObject({ status: "TDX_SUCCESS", rcx: BigInt(table) });
  });

  it("removes tables from the bottom up only", () => {
    const { td } = empty("INITIALIZED");
    expect(td.sept(LEAF, GPA + 2).status).toBe("TDX_EPT_PAGE_NOT_FREE|RCX");
    td.mustSept(LEAF, PARENT);
    expect(td.sept(LEAF, GPA + 2).status).toBe("TDX_SUCCESS");
    expect(td.sept(LEAF, 3).status).toBe("TDX_SUCCESS");
  });

  it("refuses an entry that points to no table", () => {
    const { td } = empty();
    td.addTables(GPA + 2 ** 21, 1);
    td.aug(GPA + 2 ** 21, 1);
    expect(td.sept(LEAF, PARENT + 2 ** 21).status).toBe("TDX_EPT_ENTRY_STATE_INCORRECT|RCX");
    expect(td.sept(LEAF, GPA).status).toBe("TDX_OPERAND_INVALID|RCX");
  });
});

describe("TDH.MEM.SEPT.REMOVE with L2 tables", () => {
  /** A root entry with an L1 table and tables of VM 1 and 2. */
  function aliased() {
    const td = new TestTd(new TestHost(), { stage: "INITIALIZED", numL2Vms: 2 });
    const { host } = td;
    const [r8, r9, r10] = [host.page(), host.page(), host.page()];
    td.mustSept("TDH.MEM.SEPT.ADD", 3, { r8, r9, r10, r11: ALL_ONES }, { version: 1 });
    return { td, host, l2Tables: [BigInt(r9), BigInt(r10)] };
  }

  it("frees the L2 tables and names them in version 1", () => {
    const { td, l2Tables } = aliased();
    const before = td.state.chldcnt;
    const [r9, r10] = l2Tables;
    expect(td.sept(LEAF, 3, {}, { version: 1 })).toMatchObject({
      status: "TDX_SUCCESS",
      r9,
      r10,
      r11: ALL_ONES,
    });
    expect(td.state.chldcnt).toBe(before - 3);
  });

  it("names none of a VM that has no table there", () => {
    const td = new TestTd(new TestHost(), { stage: "INITIALIZED", numL2Vms: 3 });
    const [r8, r10] = [td.host.page(), td.host.page()];
    const before = td.state.chldcnt;
    const pages = { r8, r9: ALL_ONES, r10, r11: ALL_ONES };
    td.mustSept("TDH.MEM.SEPT.ADD", 3, pages, { version: 1 });
    expect(td.sept(LEAF, 3, {}, { version: 1 })).toMatchObject({
      status: "TDX_SUCCESS",
      rcx: BigInt(r8),
      r9: ALL_ONES,
      r10: BigInt(r10),
      r11: ALL_ONES,
    });
    expect(td.state.chldcnt).toBe(before);
  });

  it("frees them silently in version 0", () => {
    const { td, host, l2Tables } = aliased();
    expect(td.sept(LEAF, 3, { r9: 1 })).toMatchObject({ status: "TDX_SUCCESS", r9: 1n });
    for (const rcx of l2Tables) {
      expect(host.call("TDH.PHYMEM.PAGE.RDMD", { rcx }).rcx).toBe(0n);
    }
  });

  it("lets a table be added for the L2 VM again", () => {
    const { td, host } = aliased();
    td.mustSept(LEAF, 3);
    const pages = { r8: host.page(), r9: host.page(), r10: ALL_ONES, r11: ALL_ONES };
    expect(td.sept("TDH.MEM.SEPT.ADD", 3, pages, { version: 1 }).status).toBe("TDX_SUCCESS");
  });

  it("names no page on any failure of version 1 and up", () => {
    const { td } = aliased();
    const none = { r9: ALL_ONES, r10: ALL_ONES, r11: ALL_ONES };
    const wrong = { rdx: 0x123 };
    expect(td.sept(LEAF, 3, wrong, { version: 1 })).toMatchObject({
      status: "TDX_OPERAND_INVALID|RDX",
      ...none,
    });
    expect(td.sept(LEAF, 3, {}, { version: 2 })).toMatchObject({
      status: "TDX_OPERAND_INVALID|RAX",
      ...none,
    });
  });
});
