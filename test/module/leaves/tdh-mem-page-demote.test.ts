import { describe, expect, it } from "vitest";
import {
  ALL_ONES,
  BLOCKED_BITS,
  FREE_ENTRY,
  MAPPED_BITS,
  type Operands,
  type TdOptions,
  TestHost,
  TestTd,
} from "../../support/module.ts";
import { writeBackCaches } from "../../support/teardown.ts";

const LEAF = "TDH.MEM.PAGE.DEMOTE";
const BLOCK = "TDH.MEM.RANGE.BLOCK";
const TRACK = "TDH.MEM.TRACK";
const GPA = 0x4000_0000;
const LARGE = GPA + 1;
const MIB_2 = 2 ** 21;
const BIT_63 = 1n << 63n;
const NONE = { r9: ALL_ONES, r10: ALL_ONES, r11: ALL_ONES };

/** A pending 2 MiB page at `page`. */
function pending(options: TdOptions = {}) {
  const td = new TestTd(new TestHost(), options);
  td.addTables(GPA, 1);
  return { td, host: td.host, page: td.aug(GPA, 1) };
}

function blocked() {
  const made = pending();
  made.td.mustSept(BLOCK, LARGE);
  made.host.must(TRACK, { rcx: made.td.tdr });
  return made;
}

function demote(td: TestTd, operands: Operands = {}, options = {}) {
  return td.sept(LEAF, LARGE, { r8: td.host.page(), ...NONE, ...operands }, options);
}

/** The page is the TDR of a TD that comes and goes. */
function beTdr(host: TestHost, tdr: number): void {
  host.must("TDH.MNG.CREATE", { rcx: tdr, rdx: host.hkid() });
  host.must("TDH.MNG.VPFLUSHDONE", { rcx: tdr });
  writeBackCaches(host);
  host.must("TDH.MNG.KEY.FREEID", { rcx: tdr });
  host.must("TDH.PHYMEM.PAGE.RECLAIM", { rcx: tdr });
}

describe("TDH.MEM.PAGE.DEMOTE", () => {
  it("splits a blocked and tracked page into 512 unblocked ones below a new table", () => {
    const { td, page } = blocked();
    const before = td.state.chldcnt;
    expect(demote(td)).toMatchObject({ status: "TDX_SUCCESS", rcx: 0n, rdx: 0n, ...NONE });
    expect(td.entry(LARGE)).toEqual({ rcx: 0x7n, rdx: 0x8401n });
    expect(td.entry(GPA + 511 * 4096)).toEqual({
      rcx: BigInt(page) + BigInt(511 * 4096) + BLOCKED_BITS,
      rdx: 0x200n,
    });
    expect(td.state.chldcnt).toBe(before + 1);
  });

  it("keeps an accepted page accepted", () => {
    const { td, host, page } = pending();
    td.enter();
    host.accept(LARGE);
    host.accept(0);
    td.mustSept(BLOCK, LARGE);
    host.must(TRACK, { rcx: td.tdr });
    demote(td);
    expect(td.entry(GPA)).toEqual({ rcx: BigInt(page) + MAPPED_BITS, rdx: 0x400n });
  });

  it("turns the 2 MiB PAMT entry into 512 of 4 KiB with BEPOCH 0", () => {
    const { td, host, page } = blocked();
    demote(td);
    expect(host.call("TDH.PHYMEM.PAGE.RDMD", { rcx: page + 4096 })).toMatchObject({
      rcx: 3n,
      rdx: BigInt(td.tdr),
      r8: 0n,
      r9: 0n,
    });
    expect(host.module.pamt.type(page / MIB_2, 1)).toBe(0);
  });

  it.each<[string, (host: TestHost, page: number) => unknown]>([
    ["at once", () => undefined],
    ["after it was a TDR", beTdr],
  ])("does not reset BEPOCH of the new table's page: %s", (_when, meanwhile) => {
    const td = new TestTd(new TestHost({ keepsFreedBepoch: true }));
    const { host } = td;
    td.addTables(GPA, 1);
    td.addTables(0);
    const r8 = td.aug(0);
    td.mustSept(BLOCK, 0);
    host.must(TRACK, { rcx: td.tdr });
    td.mustSept("TDH.MEM.PAGE.REMOVE", 0);
    meanwhile(host, r8);
    td.aug(GPA, 1);
    td.mustSept(BLOCK, LARGE);
    host.must(TRACK, { rcx: td.tdr });
    expect(demote(td, { r8 }).status).toBe("TDX_SUCCESS");
    expect(host.call("TDH.PHYMEM.PAGE.RDMD", { rcx: r8 })).toMatchObject({ rcx: 8n, r9: 1n });
  });

  it("undoes a promotion exactly", () => {
    const { td, host } = blocked();
    const table = host.page();
    demote(td, { r8: table });
    td.mustSept(BLOCK, LARGE);
    host.must(TRACK, { rcx: td.tdr });
    expect(td.mustSept("TDH.MEM.PAGE.PROMOTE", LARGE).rcx).toBe(BigInt(table));
    expect(td.entry(LARGE).rdx).toBe(0x201n);
  });

  it("needs the page blocked and its epoch passed, before it looks at R8", () => {
    const { td, page } = pending();
    expect(demote(td, { r8: 0x123 })).toMatchObject({
      status: "TDX_GPA_RANGE_NOT_BLOCKED|RCX",
      rcx: BigInt(page) + BLOCKED_BITS,
      rdx: 0x201n,
    });
    td.mustSept(BLOCK, LARGE);
    expect(demote(td, { r8: 0x123 }).status).toBe("TDX_TLB_TRACKING_NOT_DONE|RCX");
  });

  it("splits a mapped page at once before the TD is finalised", () => {
    expect(demote(pending({ stage: "INITIALIZED" }).td).status).toBe("TDX_SUCCESS");
  });

  it("refuses a table and a free entry", () => {
    const td = new TestTd(new TestHost());
    td.addTables(GPA, 1);
    expect(demote(td).status).toBe("TDX_EPT_ENTRY_STATE_INCORRECT|RCX");
    expect(td.sept(LEAF, GPA + 2)).toMatchObject({
      status: "TDX_EPT_ENTRY_STATE_INCORRECT|RCX",
      rcx: 0x7n,
      rdx: 0x8402n,
    });
  });

  it("refuses level 0, and reserved bits of RDX before the TDR", () => {
    const { td } = pending();
    expect(td.sept(LEAF, GPA).status).toBe("TDX_OPERAND_INVALID|RCX");
    expect(demote(td, { rdx: 0x1002 }).status).toBe("TDX_OPERAND_INVALID|RDX");
  });

  it("changes nothing when interrupted and gives the operands back", () => {
    const { td } = blocked();
    expect(demote(td, {}, { quietTests: 0 })).toMatchObject({
      status: "TDX_INTERRUPTED_RESTARTABLE",
      rcx: BigInt(LARGE),
      rdx: BigInt(td.tdr),
    });
    expect(td.entry(LARGE).rdx).toBe(0x301n);
  });

  it("splits 1 GiB into 2 MiB pages", () => {
    const td = new TestTd(new TestHost(), { stage: "INITIALIZED" });
    td.addTables(GPA, 1);
    const page = td.host.memory(2 ** 30);
    for (let i = 0; i < 512; i++) {
      td.mustSept("TDH.MEM.PAGE.AUG", LARGE + i * MIB_2, { r8: page + i * MIB_2 });
    }
    td.mustSept("TDH.MEM.PAGE.PROMOTE", GPA + 2);
    td.mustSept(LEAF, GPA + 2, { r8: td.host.page(), ...NONE });
    expect(td.entry(LARGE + MIB_2)).toEqual({
      rcx: BigInt(page + MIB_2) + BLOCKED_BITS,
      rdx: 0x201n,
    });
    expect(td.host.module.pamt.type(page / MIB_2, 1)).toBe(3);
  });
});

describe("TDH.MEM.PAGE.DEMOTE with L2 tables", () => {
  /** A TD with one L2 VM whose tree reaches down to `level`, and a pending 2 MiB page. */
  function withL2(level: 1 | 2 | 3) {
    const td = new TestTd(new TestHost(), { stage: "INITIALIZED", numL2Vms: 1 });
    for (let at = 3; at > level; at--) {
      const pages = { ...NONE, r8: td.host.page(), r9: td.host.page() };
      td.mustSept("TDH.MEM.SEPT.ADD", at === 3 ? at : GPA + at, pages, { version: 1 });
    }
    td.addTables(GPA, 1);
    td.aug(GPA, 1);
    return td;
  }

  it("adds the L2 table in mode 0", () => {
    const td = withL2(1);
    const before = td.state.chldcnt;
    const r9 = BigInt(td.host.page());
    expect(demote(td, { r9 })).toMatchObject({ status: "TDX_SUCCESS", r9 });
    expect(td.state.chldcnt).toBe(before + 2);
    expect(td.mustSept("TDH.MEM.PAGE.PROMOTE", LARGE, {}, { version: 1 }).r9).toBe(r9);
  });

  it("fails in mode 0 where the L2 parent is missing, before it changes anything", () => {
    const td = withL2(3);
    const before = td.state.chldcnt;
    expect(demote(td, { r9: td.host.page() })).toMatchObject({
      status: "TDX_L2_SEPT_WALK_FAILED|VM_1|LEVEL_3",
      rcx: FREE_ENTRY,
      rdx: 0x14003n,
    });
    expect(td.state.chldcnt).toBe(before);
  });

  it("checks all L2 pages before it walks the L2 trees", () => {
    const td = withL2(3);
    expect(demote(td, { r9: 0x123 }).status).toBe("TDX_OPERAND_INVALID|R9");
  });

  it("skips the page in mode 1, unlooked at, and gives it back with bit 63", () => {
    const td = withL2(3);
    const answer = demote(td, { rdx: td.tdr + 1, r9: 0x5123, r10: 0x6000 });
    expect(answer).toMatchObject({ status: "TDX_SUCCESS", r9: 0x5123n | BIT_63, r10: 0x6000n });
  });

  it("does not look at pages of VMs that the TD has not", () => {
    expect(demote(withL2(1), { r10: 0x123 })).toMatchObject({
      status: "TDX_SUCCESS",
      r10: 0x123n,
    });
  });

  it("finds a page named twice busy", () => {
    const td = withL2(1);
    const page = td.host.page();
    expect(demote(td, { r8: page, r9: page }).status).toBe("TDX_OPERAND_BUSY|R9");
  });

  it("tests for interrupts once for each L2 page in use and once more", () => {
    const td = withL2(1);
    const r9 = td.host.page();
    const interrupted = demote(td, { r9 }, { quietTests: 1 });
    expect(interrupted).toMatchObject({ status: "TDX_INTERRUPTED_RESTARTABLE", r9: BigInt(r9) });
    expect(demote(td, { r9 }, { quietTests: 2 }).status).toBe("TDX_SUCCESS");
  });
});
