import { describe, expect, it } from "vitest";
import type { Span } from "../../src/module/leaf.ts";
import { EMULATED } from "../../src/module/leaf-table.ts";
import { R8, RAX, RCX, RDX, Registers } from "../../src/module/registers.ts";
import { type Operands, TestHost, TestTd } from "../support/module.ts";
import { freeHkid } from "../support/teardown.ts";

const PAGE = 4096;
const MIB_2 = 2 ** 21;
const TDMR_END = 2 ** 33;
const MOST = 1000;

const AUG = "TDH.MEM.PAGE.AUG";
const BLOCK = "TDH.MEM.RANGE.BLOCK";
const REMOVE = "TDH.MEM.PAGE.REMOVE";
const EXTEND = "TDH.MR.EXTEND";

interface Iterations extends Partial<Span> {
  readonly most?: number;
  readonly version?: number;
}

/** How many of `most` calls one by one apart the leaf says end alike. */
function reach(td: TestTd, leaf: string, operands: Operands, iterations: Iterations = {}) {
  const { most = MOST, version = 0, ...strides } = iterations;
  const found = EMULATED.find(({ name }) => name === leaf);
  const r = new Registers();
  r.setNumber(RAX, (found?.number ?? 0) + version * 2 ** 16);
  r.set(RCX, BigInt(operands.rcx ?? 0));
  r.set(RDX, BigInt(operands.rdx ?? td.tdr));
  r.set(R8, BigInt(operands.r8 ?? 0));
  const span = { rcxStride: PAGE, r8Stride: PAGE, addedLevels: 0, ...strides };
  return found?.reach?.(td.host.module, r, most, span);
}

function runnable(): TestTd {
  const td = new TestTd(new TestHost());
  td.addTables(0);
  return td;
}

/** Maps `pages` from guest page 0 on at consecutive host pages; the first of them. */
function mapped(td: TestTd, pages: number, level: 0 | 1 = 0): number {
  const bytes = PAGE * 512 ** level;
  const first = td.host.memory(bytes * 2 ** Math.ceil(Math.log2(pages)));
  td.mustSept(AUG, level, { r8: first }, { count: pages });
  return first;
}

describe("new pages end alike", () => {
  it("up to the end of the last table that is there", () => {
    const td = runnable();
    const r8 = td.host.memory(MIB_2);
    expect(reach(td, AUG, { rcx: 500 * PAGE, r8 })).toBe(12);
    td.addTables(MIB_2);
    expect(reach(td, AUG, { rcx: 500 * PAGE, r8 })).toBe(524);
    expect(reach(td, AUG, { rcx: 500 * PAGE, r8 }, { most: 7 })).toBe(7);
  });

  it("as far as asked where the same body adds the tables", () => {
    const td = runnable();
    const r8 = td.host.memory(MIB_2);
    expect(reach(td, AUG, { rcx: 500 * PAGE, r8 }, { addedLevels: 2 })).toBe(12);
    const unmapped = { rcx: 2 ** 30, r8 };
    expect(reach(td, AUG, unmapped)).toBe(1);
    expect(reach(td, AUG, unmapped, { addedLevels: 2 })).toBe(1);
    expect(reach(td, AUG, unmapped, { addedLevels: 6 })).toBe(MOST);
  });

  it("up to an entry in use", () => {
    const td = runnable();
    td.aug(9 * PAGE);
    expect(reach(td, AUG, { rcx: 2 * PAGE, r8: td.host.memory(MIB_2) })).toBe(7);
  });

  it("up to a page in use, at whatever size", () => {
    const td = runnable();
    const small = td.aug(511 * PAGE);
    expect(reach(td, AUG, { r8: small - 5 * PAGE })).toBe(5);
    td.addTables(2 ** 30, 1);
    const large = td.aug(2 ** 30, 1);
    expect(reach(td, AUG, { r8: large - 3 * PAGE })).toBe(3);
  });

  it("up to the end of the TDMR, of those inside alone", () => {
    const td = runnable();
    expect(reach(td, AUG, { r8: TDMR_END - 4 * PAGE })).toBe(4);
    expect(reach(td, AUG, { r8: TDMR_END })).toBe(1);
  });

  it("where they are of 2 MiB, up to one with a small page in use", () => {
    const td = runnable();
    const strides = { rcxStride: MIB_2, r8Stride: MIB_2 };
    const r8 = td.host.memory(8 * MIB_2);
    expect(reach(td, AUG, { rcx: MIB_2 + 1, r8 }, strides)).toBe(511);
    td.mustSept(AUG, 0, { r8: r8 + 3 * MIB_2 + 7 * PAGE });
    expect(reach(td, AUG, { rcx: MIB_2 + 1, r8 }, strides)).toBe(3);
    expect(reach(td, AUG, { rcx: MIB_2 + 1, r8: TDMR_END - 2 * MIB_2 }, strides)).toBe(2);
  });

  it("where they are tables, in version 0", () => {
    const td = runnable();
    const r8 = td.host.memory(MIB_2);
    const strides = { rcxStride: MIB_2 };
    expect(reach(td, "TDH.MEM.SEPT.ADD", { rcx: MIB_2 + 1, r8 }, strides)).toBe(511);
    const flagged = { rcx: MIB_2 + 1, r8, rdx: td.tdr + 1 };
    expect(reach(td, "TDH.MEM.SEPT.ADD", flagged, strides)).toBe(511);
    const listed = { ...strides, version: 1 };
    expect(reach(td, "TDH.MEM.SEPT.ADD", { rcx: MIB_2 + 1, r8 }, listed)).toBe(1);
  });

  it.each<[string, Operands, Iterations]>([
    ["GPAs that do not follow each other", {}, { rcxStride: 2 * PAGE }],
    ["host pages that do not", {}, { r8Stride: 0 }],
    ["1 GiB pages, which AUG refuses", { rcx: 2 }, { rcxStride: 2 ** 30, r8Stride: 2 ** 30 }],
    ["a TDR that is none", { rdx: 0x123000 }, {}],
  ])("one by one with %s", (_what, operands, iterations) => {
    const td = runnable();
    expect(reach(td, AUG, { r8: td.host.memory(MIB_2), ...operands }, iterations)).toBe(1);
  });

  it("one by one in a TD that is not initialised, or whose OP_STATE refuses them", () => {
    const td = runnable();
    const r8 = td.host.memory(MIB_2);
    td.state.tdcs.opState = 4;
    expect(reach(td, AUG, { r8 })).toBe(1);
    const fresh = new TestTd(td.host, { stage: "ADDCX_DONE" });
    expect(reach(fresh, AUG, { r8 })).toBe(1);
  });

  it("one by one while a vCPU runs", () => {
    const td = runnable();
    td.enter();
    expect(reach(td, AUG, { r8: td.host.memory(MIB_2) })).toBe(1);
  });

  it("one by one where pages keep BEPOCH after they are freed", () => {
    const td = new TestTd(new TestHost({ keepsFreedBepoch: true }));
    td.addTables(0);
    expect(reach(td, AUG, { r8: td.host.memory(MIB_2) })).toBe(1);
  });
});

describe("entries in use end alike", () => {
  it("as long as they map consecutive pages", () => {
    const td = runnable();
    mapped(td, 8);
    td.aug(8 * PAGE);
    expect(reach(td, BLOCK, { rcx: 2 * PAGE })).toBe(7);
    td.host.memory(2 * PAGE);
    td.aug(9 * PAGE);
    expect(reach(td, BLOCK, { rcx: 2 * PAGE })).toBe(7);
  });

  it("not where they map the same pages in another order", () => {
    const td = runnable();
    const page = td.host.memory(4 * PAGE);
    for (const [i, at] of [0, 2, 1].entries()) {
      td.mustSept(AUG, i * PAGE, { r8: page + at * PAGE });
    }
    expect(reach(td, BLOCK, { rcx: 0 })).toBe(1);
  });

  it("as long as they are in one state, which the leaf takes", () => {
    const td = runnable();
    mapped(td, 8);
    td.mustSept(BLOCK, 4 * PAGE, {}, { count: 2 });
    expect(reach(td, BLOCK, { rcx: PAGE })).toBe(3);
    expect(reach(td, BLOCK, { rcx: 4 * PAGE })).toBe(1);
    expect(reach(td, REMOVE, { rcx: 4 * PAGE })).toBe(2);
  });

  it("as long as they were blocked in one epoch", () => {
    const td = runnable();
    mapped(td, 8);
    td.mustSept(BLOCK, 0, {}, { count: 3 });
    td.host.must("TDH.MEM.TRACK", { rcx: td.tdr });
    td.mustSept(BLOCK, 3 * PAGE, {}, { count: 5 });
    expect(reach(td, REMOVE, { rcx: 0 })).toBe(3);
    expect(reach(td, REMOVE, { rcx: 3 * PAGE })).toBe(5);
  });

  it("where they are of 2 MiB too", () => {
    const td = new TestTd(new TestHost());
    td.addTables(0, 1);
    mapped(td, 8, 1);
    expect(reach(td, BLOCK, { rcx: 3 * MIB_2 + 1 }, { rcxStride: MIB_2 })).toBe(5);
    expect(reach(td, BLOCK, { rcx: 3 * MIB_2 + 1 })).toBe(1);
  });

  it("where they are tables at consecutive pages", () => {
    const td = runnable();
    for (const gpa of [1, 2, 3]) td.addTables(gpa * MIB_2);
    expect(reach(td, BLOCK, { rcx: 1 }, { rcxStride: MIB_2 })).toBe(4);
  });

  it("one by one where an entry has an alias", () => {
    const td = new TestTd(new TestHost(), { numL2Vms: 1 });
    const pages = { r8: td.host.page(), r9: td.host.page() };
    const none = { r10: 2n ** 64n - 1n, r11: 2n ** 64n - 1n };
    td.mustSept("TDH.MEM.SEPT.ADD", 3, { ...pages, ...none }, { version: 1 });
    td.mustSept("TDH.MEM.SEPT.ADD", 2 ** 39 + 3, { r8: td.host.page() });
    expect(reach(td, BLOCK, { rcx: 3 }, { rcxStride: 2 ** 39 })).toBe(1);
  });

  it("one by one at a level that no tree has", () => {
    for (const level of [5, 6, 7]) {
      expect(reach(runnable(), BLOCK, { rcx: level }, { rcxStride: 0 })).toBe(1);
    }
  });
});

describe("chunks of 256 bytes end alike", () => {
  /** A TD before MR.FINALIZE with `pages` mapped by PAGE.ADD. */
  function measured(pages: number): TestTd {
    const td = new TestTd(new TestHost(), { stage: "INITIALIZED" });
    td.addTables(0);
    const r8 = td.host.memory(16 * PAGE);
    td.mustSept("TDH.MEM.PAGE.ADD", 0, { r8, r9: 0 }, { count: pages });
    return td;
  }
  const chunks = { rcxStride: 256 };

  it("up to the end of the last mapped page", () => {
    const td = measured(3);
    expect(reach(td, EXTEND, { rcx: 0 }, chunks)).toBe(48);
    expect(reach(td, EXTEND, { rcx: PAGE + 3 * 256 }, chunks)).toBe(29);
    expect(reach(td, EXTEND, { rcx: 0 }, { ...chunks, most: 48 })).toBe(48);
    expect(reach(td, EXTEND, { rcx: 0 }, { ...chunks, most: 49 })).toBe(48);
    expect(reach(td, EXTEND, { rcx: 0 }, { ...chunks, most: 33 })).toBe(33);
  });

  it("a page apart too", () => {
    expect(reach(measured(3), EXTEND, { rcx: 256 })).toBe(3);
  });

  it("on pages that the same body maps first", () => {
    const td = measured(3);
    expect(reach(td, EXTEND, { rcx: 3 * PAGE }, chunks)).toBe(1);
    const added = { ...chunks, addedLevels: 1 };
    expect(reach(td, EXTEND, { rcx: 3 * PAGE }, added)).toBe(MOST);
    expect(reach(td, EXTEND, { rcx: 509 * PAGE }, added)).toBe(48);
    expect(reach(td, EXTEND, { rcx: 0 }, added)).toBe(48);
  });

  it("one by one on a page that is not accepted", () => {
    const td = measured(1);
    td.aug(PAGE);
    expect(reach(td, EXTEND, { rcx: PAGE }, { ...chunks, addedLevels: 1 })).toBe(1);
  });

  it("one by one where they do not go forward, or in a TD without Secure EPT", () => {
    const td = measured(3);
    expect(reach(td, EXTEND, { rcx: 0 }, { rcxStride: 0 })).toBe(1);
    expect(reach(td, EXTEND, { rcx: 0 }, { rcxStride: Number.NaN })).toBe(1);
    const fresh = new TestTd(td.host, { stage: "ADDCX_DONE" });
    expect(reach(fresh, EXTEND, { rcx: 0 }, chunks)).toBe(1);
  });
});

describe("calls that touch no page end alike", () => {
  const enter = (td: TestTd) => reach(td, "TDH.VP.ENTER", { rcx: td.tdvpr[0] ?? 0 });
  const track = (td: TestTd) => reach(td, "TDH.MEM.TRACK", { rcx: td.tdr });

  it("as often as asked", () => {
    const td = runnable();
    expect([enter(td), track(td)]).toEqual([MOST, MOST]);
  });

  it("one by one while a vCPU runs, that one or another", () => {
    const td = runnable();
    const other = new TestTd(td.host);
    other.enter();
    expect([enter(td), track(td), enter(other)]).toEqual([1, 1, 1]);
  });

  it("one by one where the TD cannot be operated on, or is none", () => {
    const td = new TestTd(new TestHost(), { stage: "INITIALIZED" });
    expect([enter(td), track(td)]).toEqual([1, MOST]);
    freeHkid(td);
    expect([enter(td), track(td)]).toEqual([1, 1]);
    expect(reach(td, "TDH.MEM.TRACK", { rcx: 0x123000 })).toBe(1);
  });
});
