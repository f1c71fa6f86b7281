import { describe, expect, it } from "vitest";
import {
  ALL_ONES,
  BLOCKED_BITS,
  type CallOptions,
  MAPPED_BITS,
  type TdOptions,
  TestHost,
  TestTd,
} from "../../support/module.ts";

const LEAF = "TDH.MEM.PAGE.PROMOTE";
const BLOCK = "TDH.MEM.RANGE.BLOCK";
const TRACK = "TDH.MEM.TRACK";
const GPA = 0x4000_0000;
const PARENT = GPA + 1;
const MIB_2 = 2 ** 21;
const GIB = 2 ** 30;

/** 512 pending pages that one 2 MiB page could stand for, at `page`; their table at `table`. */
function pending(options: TdOptions = {}) {
  const td = new TestTd(new TestHost(), options);
  const table = td.addTables(GPA).at(-1) as number;
  const page = td.host.memory(MIB_2);
  for (let i = 0; i < 512; i++) aug(td, i, page);
  return { td, host: td.host, page, table };
}

function aug(td: TestTd, i: number, page: number): void {
  td.mustSept("TDH.MEM.PAGE.AUG", GPA + i * 4096, { r8: page + i * 4096 });
}

/** The same with the parent blocked and tracked. */
function blocked(options: TdOptions = {}) {
  const made = pending(options);
  made.td.mustSept(BLOCK, PARENT);
  made.host.must(TRACK, { rcx: made.td.tdr });
  return made;
}

/** A TD before MR.FINALIZE with an L2 table beside each of the L1 tables down to level 1. */
function aliased() {
  const td = new TestTd(new TestHost(), { stage: "INITIALIZED", numL2Vms: 1 });
  const none = { r10: ALL_ONES, r11: ALL_ONES };
  const l2Tables: number[] = [];
  for (const level of [3, 2, 1]) {
    const r9 = td.host.page();
    const pageInfo = level === 3 ? level : GPA + level;
    td.mustSept("TDH.MEM.SEPT.ADD", pageInfo, { r8: td.host.page(), r9, ...none }, { version: 1 });
    l2Tables.push(r9);
  }
  const page = td.host.memory(MIB_2);
  for (let i = 0; i < 512; i++) aug(td, i, page);
  return { td, host: td.host, page, l2Table: l2Tables[2] as number };
}

describe("TDH.MEM.PAGE.PROMOTE", () => {
  it("makes an unblocked leaf of 512 pages and frees their table", () => {
    const { td, host, page, table } = blocked();
    const before = td.state.chldcnt;
    expect(td.sept(LEAF, PARENT)).toMatchObject({
      status: "TDX_SUCCESS",
      rcx: BigInt(table),
      rdx: 0n,
    });
    expect(td.entry(PARENT)).toEqual({ rcx: BigInt(page) + BLOCKED_BITS, rdx: 0x201n });
    expect(td.state.chldcnt).toBe(before - 1);
    expect(host.call("TDH.PHYMEM.PAGE.RDMD", { rcx: table }).rcx).toBe(0n);
  });

  it("turns the PAMT entries into one of 2 MiB", () => {
    const { td, host, page } = blocked();
    td.mustSept(LEAF, PARENT);
    expect(host.call("TDH.PHYMEM.PAGE.RDMD", { rcx: page + 4096 })).toMatchObject({
      rcx: 3n,
      rdx: BigInt(td.tdr),
      r8: 1n,
    });
    expect(host.module.pamt.freeLength(page / 4096, 512)).toBe(512);
  });

  it("gives a leaf that can be accepted, blocked and removed as any 2 MiB page", () => {
    const { td, host, page } = blocked();
    td.mustSept(LEAF, PARENT);
    td.enter();
    expect(host.accept(PARENT).status).toBe("TDX_SUCCESS");
    expect(td.entry(PARENT)).toEqual({ rcx: BigInt(page) + MAPPED_BITS, rdx: 0x401n });
    host.accept(0);
    td.mustSept(BLOCK, PARENT);
    host.must(TRACK, { rcx: td.tdr });
    expect(td.mustSept("TDH.MEM.PAGE.REMOVE", PARENT).rcx).toBe(BigInt(page));
  });

  it("needs the parent blocked and its epoch passed", () => {
    const { td } = pending();
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
    expect(pending({ stage: "INITIALIZED" }).td.sept(LEAF, PARENT).status).toBe("TDX_SUCCESS");
  });

  it.each<[string, (td: TestTd) => void]>([
    ["a child is blocked", (td) => td.mustSept(BLOCK, GPA + 7 * 4096)],
    ["a child is missing", (td) => td.mustSept("TDH.MEM.PAGE.REMOVE", GPA + 511 * 4096)],
    ["all children are blocked", blockAll],
  ])("refuses where %s, showing the parent", (_what, spoil) => {
    const { td } = pending({ stage: "INITIALIZED" });
    spoil(td);
    expect(td.sept(LEAF, PARENT)).toMatchObject({
      status: "TDX_EPT_INVALID_PROMOTE_CONDITIONS|RCX",
      rcx: 0x7n,
      rdx: 0x8401n,
    });
  });

  it("minds no more that a child was blocked once it is not", () => {
    const { td, host } = pending();
    const child = GPA + 7 * 4096;
    td.mustSept(BLOCK, child);
    host.must(TRACK, { rcx: td.tdr });
    td.mustSept("TDH.MEM.RANGE.UNBLOCK", child);
    td.mustSept(BLOCK, PARENT);
    host.must(TRACK, { rcx: td.tdr });
    expect(td.sept(LEAF, PARENT).status).toBe("TDX_SUCCESS");
  });

  it("refuses where only some children are accepted", () => {
    const { td, host } = pending();
    td.enter();
    host.accept(GPA);
    host.accept(0);
    td.mustSept(BLOCK, PARENT);
    host.must(TRACK, { rcx: td.tdr });
    expect(td.sept(LEAF, PARENT).status).toBe("TDX_EPT_INVALID_PROMOTE_CONDITIONS|RCX");
  });

  it("refuses contiguous pages that start off a 2 MiB boundary", () => {
    const td = new TestTd(new TestHost(), { stage: "INITIALIZED" });
    td.addTables(GPA);
    const page = td.host.memory(2 * MIB_2) + 4096;
    for (let i = 0; i < 512; i++) aug(td, i, page);
    expect(td.sept(LEAF, PARENT).status).toBe("TDX_EPT_INVALID_PROMOTE_CONDITIONS|RCX");
  });

  it("refuses an entry that points to no table", () => {
    const td = new TestTd(new TestHost());
    td.addTables(GPA, 1);
    expect(td.sept(LEAF, PARENT).status).toBe("TDX_EPT_ENTRY_STATE_INCORRECT|RCX");
  });

  it("changes nothing when interrupted and gives the operands back", () => {
    const { td } = blocked();
    expect(td.sept(LEAF, PARENT, {}, { quietTests: 0 })).toMatchObject({
      status: "TDX_INTERRUPTED_RESTARTABLE",
      rcx: BigInt(PARENT),
      rdx: BigInt(td.tdr),
    });
    expect(td.entry(PARENT)).toEqual({ rcx: 0n, rdx: 0x8101n });
  });

  it("merges 512 pages of 2 MiB into one of 1 GiB", () => {
    const td = new TestTd(new TestHost(), { stage: "INITIALIZED" });
    td.addTables(GPA, 1);
    const page = td.host.memory(GIB);
    for (let i = 0; i < 512; i++) {
      td.mustSept("TDH.MEM.PAGE.AUG", PARENT + i * MIB_2, { r8: page + i * MIB_2 });
    }
    const before = td.state.chldcnt;
    td.mustSept(LEAF, GPA + 2);
    expect(td.entry(GPA + 2)).toEqual({ rcx: BigInt(page) + BLOCKED_BITS, rdx: 0x202n });
    const { pamt } = td.host.module;
    expect(td.host.call("TDH.PHYMEM.PAGE.RDMD", { rcx: page + 4096 })).toMatchObject({
      rcx: 3n,
      rdx: BigInt(td.tdr),
      r8: 2n,
    });
    expect([pamt.type(page / GIB, 2), pamt.freeLength(page / MIB_2, 512, 1)]).toEqual([3, 512]);
    expect(td.mustSept("TDH.MEM.PAGE.REMOVE", GPA + 2).rcx).toBe(BigInt(page));
    expect(td.state.chldcnt).toBe(before - 1 - 512 * 512);
  });

  it("does not merge tables of 4 KiB pages into 1 GiB", () => {
    const { td } = pending({ stage: "INITIALIZED" });
    expect(td.sept(LEAF, GPA + 2).status).toBe("TDX_EPT_INVALID_PROMOTE_CONDITIONS|RCX");
  });
});

function blockAll(td: TestTd): void {
  for (let i = 0; i < 512; i++) td.mustSept(BLOCK, GPA + i * 4096);
}

describe("TDH.MEM.PAGE.PROMOTE with L2 tables", () => {
  const listed = { r9: 1, r10: 2, r11: 3 };
  const promote = (td: TestTd, options: CallOptions) => td.sept(LEAF, PARENT, listed, options);

  it("frees the L2 table and names it in version 1", () => {
    const { td, l2Table } = aliased();
    const before = td.state.chldcnt;
    expect(promote(td, { version: 1 })).toMatchObject({
      status: "TDX_SUCCESS",
      r9: BigInt(l2Table),
      r10: ALL_ONES,
      r11: ALL_ONES,
    });
    expect(td.state.chldcnt).toBe(before - 2);
  });

  it("frees it silently in version 0", () => {
    const { td, host, l2Table } = aliased();
    expect(promote(td, {})).toMatchObject({ status: "TDX_SUCCESS", r9: 1n, r10: 2n, r11: 3n });
    expect(host.call("TDH.PHYMEM.PAGE.RDMD", { rcx: l2Table }).rcx).toBe(0n);
  });

  it("tests for interrupts once for each L2 table and once more", () => {
    const { td } = aliased();
    expect(promote(td, { version: 1, quietTests: 0 }).status).toBe("TDX_INTERRUPTED_RESTARTABLE");
    expect(promote(td, { version: 1, quietTests: 1 })).toMatchObject({
      status: "TDX_INTERRUPTED_RESTARTABLE",
      r9: ALL_ONES,
    });
    expect(promote(td, { version: 1, quietTests: 2 }).status).toBe("TDX_SUCCESS");
  });

  it("names no page on any failure, of version 2 either", () => {
    const { td } = aliased();
    td.mustSept(BLOCK, GPA);
    const none = { r9: ALL_ONES, r10: ALL_ONES, r11: ALL_ONES };
    expect(promote(td, { version: 1 })).toMatchObject({
      status: "TDX_EPT_INVALID_PROMOTE_CONDITIONS|RCX",
      ...none,
    });
    expect(promote(td, { version: 2 })).toMatchObject({
      status: "TDX_OPERAND_INVALID|RAX",
      rcx: 0n,
      rdx: 0n,
      ...none,
    });
  });
});
