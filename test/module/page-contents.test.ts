import { describe, expect, test } from "vitest";
import { contentsAt } from "../../src/module/page-contents.ts";
import { ALL_ONES, TestHost, TestTd } from "../support/module.ts";

const ONE_PACKAGE = {
  lpToPackage: [0, 0],
  hkids: { first: 32, count: 8, global: 39 },
  keepsFreedBepoch: true,
} as const;

/** How a fresh TD is refused when its TD_PARAMS are read from `page` (ABI 7 TDH.MNG.INIT). */
function initWith(host: TestHost, page: number): string {
  const td = new TestTd(host, { stage: "ADDCX_DONE" });
  return host.call("TDH.MNG.INIT", { rcx: td.tdr, rdx: page }).status;
}

/** Ends the life of a TD up to TD_TEARDOWN. */
function tearDown(td: TestTd): void {
  const { host } = td;
  for (const tdvpr of td.tdvpr) host.must("TDH.VP.FLUSH", { rcx: tdvpr });
  host.must("TDH.MNG.VPFLUSHDONE", { rcx: td.tdr });
  host.must("TDH.PHYMEM.CACHE.WB");
  host.must("TDH.MNG.KEY.FREEID", { rcx: td.tdr });
}

const ZEROES = "TDX_OPERAND_INVALID|XFAM";
const NOT_ZEROES = "TDX_OPERAND_INVALID|ATTRIBUTES";

describe("a page the module has freed keeps its contents", () => {
  test("a Secure EPT page that SEPT.REMOVE took out", () => {
    const host = new TestHost(ONE_PACKAGE);
    const td = new TestTd(host, { stage: "INITIALIZED" });
    const [table = 0] = td.addTables(0, 2);
    td.mustSept("TDH.MEM.SEPT.REMOVE", 3);
    expect(initWith(host, table)).toBe(NOT_ZEROES);
  });

  test("the TDR and the third TDCX page of a reclaimed TD, not the first", () => {
    const host = new TestHost(ONE_PACKAGE);
    const td = new TestTd(host, { stage: "ADDCX_DONE" });
    tearDown(td);
    for (const page of [...td.tdcx, td.tdr]) host.must("TDH.PHYMEM.PAGE.RECLAIM", { rcx: page });
    expect(initWith(host, td.tdr)).toBe(NOT_ZEROES);
    expect(initWith(host, td.tdcx[2] ?? 0)).toBe(NOT_ZEROES);
    expect(initWith(host, td.tdcx[0] ?? 0)).toBe(ZEROES);
  });

  test("until it is given away again and written", () => {
    const host = new TestHost(ONE_PACKAGE);
    const td = new TestTd(host, { stage: "INITIALIZED" });
    const [table = 0] = td.addTables(0, 2);
    td.mustSept("TDH.MEM.SEPT.REMOVE", 3);
    host.must("TDH.VP.CREATE", { rcx: table, rdx: td.tdr });
    expect(initWith(host, table)).toBe(ZEROES);
  });

  test("not where nothing asks for it: memory of torn down TDs is forgotten", () => {
    const host = new TestHost({ lpToPackage: [0, 0] });
    const td = new TestTd(host, { stage: "INITIALIZED" });
    td.addTables(0, 2);
    td.mustSept("TDH.MEM.SEPT.REMOVE", 3);
    expect([...host.module.hostMemory.blocks()]).toHaveLength(1);
  });

  test("but for zeroes, which need not be kept", () => {
    const host = new TestHost(ONE_PACKAGE);
    const td = new TestTd(host, { stage: "ADDCX_DONE" });
    tearDown(td);
    for (const page of td.tdcx) host.must("TDH.PHYMEM.PAGE.RECLAIM", { rcx: page });
    const kept = [...host.module.hostMemory.blocks()].map(([block]) => block * 1024);
    // MSR bitmaps and the root of the Secure EPT, four blocks each.
    expect(kept).toEqual(
      [td.tdcx[2] ?? 0, td.tdcx[3] ?? 0].flatMap((page) =>
        [0, 1, 2, 3].map((i) => page + i * 1024),
      ),
    );
  });
});

describe("what TDH.MNG.INIT finds in a page in use", () => {
  /** The first bytes of each of the four blocks that TD_PARAMS may be read from, as one number. */
  function blocks(host: TestHost, page: number): bigint[] {
    return [0, 1, 2, 3].map((i) => {
      const bytes = contentsAt(host.module, page + i * 1024);
      expect(bytes).toHaveLength(1024);
      return new DataView(bytes.buffer).getBigUint64(0, true);
    });
  }

  const L2_TABLE = 0x407n;
  const FREE_ENTRY = 0x80e0_0000_0000_0000n;
  const ALL_FREE = [FREE_ENTRY, FREE_ENTRY, FREE_ENTRY, FREE_ENTRY];

  test("a TDR: NUM_TDCX and CHLDCNT, little-endian, and zeroes after its first block", () => {
    const td = new TestTd(new TestHost(), { stage: "INITIALIZED" });
    const bytes = contentsAt(td.host.module, td.tdr);
    expect([...bytes.subarray(0, 18)]).toEqual([
      0, 0, 0, 0, 6, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ]);
    expect(blocks(td.host, td.tdr).slice(1)).toEqual([0n, 0n, 0n]);
  });

  test("TDCX pages: MSR bitmaps and the Secure EPT root among zeroes", () => {
    const td = new TestTd(new TestHost(), { stage: "INITIALIZED" });
    const zeroes = [0n, 0n, 0n, 0n];
    const all = td.tdcx.map((page) => blocks(td.host, page));
    expect(all).toEqual([zeroes, zeroes, Array(4).fill(ALL_ONES), ALL_FREE, zeroes, zeroes]);
  });

  test("the root of an L2 tree: entries in use by the first of each block", () => {
    const td = new TestTd(new TestHost(), { stage: "INITIALIZED", numL2Vms: 2, gpaw: 0 });
    const pages = { r8: td.host.page(), r9: ALL_ONES, r10: td.host.page(), r11: ALL_ONES };
    td.mustSept("TDH.MEM.SEPT.ADD", 128 * 2 ** 39 + 3, pages, { version: 1 });
    expect(blocks(td.host, td.tdcx[7] ?? 0)).toEqual([0n, L2_TABLE, 0n, 0n]);
    expect(blocks(td.host, td.tdcx[6] ?? 0)).toEqual([0n, 0n, 0n, 0n]);
  });

  test("tables: free entries, but in those of L2 trees what is in use", () => {
    const { host } = new TestTd(new TestHost(), { stage: "CREATED" });
    const td = new TestTd(host, { stage: "INITIALIZED", numL2Vms: 1 });
    const add = (pageInfo: number) => {
      const pages = { r8: host.page(), r9: host.page(), r10: ALL_ONES, r11: ALL_ONES };
      td.mustSept("TDH.MEM.SEPT.ADD", pageInfo, pages, { version: 1 });
      return pages;
    };
    // Each table of the L2 tree is a run of its own: an L1 table lies between.
    const [first, second] = [add(3), add(2 ** 39 + 3)];
    add(2 ** 39 + 256 * 2 ** 30 + 2);
    expect(blocks(host, first.r9)).toEqual([0n, 0n, 0n, 0n]);
    expect(blocks(host, second.r9)).toEqual([0n, 0n, L2_TABLE, 0n]);
    for (const { r8 } of [first, second]) expect(blocks(host, r8)).toEqual(ALL_FREE);
  });

  test("tables of an L2 tree that follow each other, each by its own entries", () => {
    const td = new TestTd(new TestHost(), { stage: "INITIALIZED", numL2Vms: 1 });
    const l1 = [td.host.page(), td.host.page()];
    const l2 = [td.host.page(), td.host.page(), td.host.page()];
    const add = (pageInfo: number, r8: number, r9: number) => {
      const rest = { r10: ALL_ONES, r11: ALL_ONES };
      td.mustSept("TDH.MEM.SEPT.ADD", pageInfo, { r8, r9, ...rest }, { version: 1 });
    };
    for (const i of [0, 1]) add(i * 2 ** 39 + 3, l1[i] as number, l2[i] as number);
    add(2 ** 39 + 384 * 2 ** 30 + 2, td.host.page(), td.host.page());
    expect(blocks(td.host, l2[0] as number)).toEqual([0n, 0n, 0n, 0n]);
    expect(blocks(td.host, l2[1] as number)).toEqual([0n, 0n, 0n, L2_TABLE]);
    // The page after the run is none of its tables.
    td.mustSept("TDH.MEM.SEPT.ADD", 2 * 2 ** 39 + 3, { r8: l2[2] as number });
    expect(blocks(td.host, l2[2] as number)).toEqual(ALL_FREE);
  });

  test("pages of a vCPU, and pages outside the TDMRs: what the host wrote", () => {
    const td = new TestTd(new TestHost(), { stage: "INITIALIZED" });
    const { hostMemory } = td.host.module;
    const tdvpx = (td.tdvpr[0] ?? 0) + 4096;
    for (const page of [tdvpx, 2 ** 31]) {
      hostMemory.write(page + 2048, new Uint8Array(1024).fill(1));
      expect(blocks(td.host, page)).toEqual([0n, 0n, 0x101_0101_0101_0101n, 0n]);
    }
  });
});

test("VP.ADDCX fills the MSR bitmaps of L2 VMs with ones, other pages with zeroes", () => {
  const host = new TestHost(ONE_PACKAGE);
  const td = new TestTd(host, { stage: "INITIALIZED", vcpus: 0 });
  const tdvpr = host.page();
  host.must("TDH.VP.CREATE", { rcx: tdvpr, rdx: td.tdr });
  const pages = Array.from({ length: 14 }, () => host.page());
  for (const rcx of pages) host.must("TDH.VP.ADDCX", { rcx, rdx: tdvpr });
  const reader = new TestTd(host, { stage: "ADDCX_DONE" });
  const filled = pages.flatMap((rdx, i) => {
    const { status } = host.call("TDH.MNG.INIT", { rcx: reader.tdr, rdx });
    return status === NOT_ZEROES ? [i + 1] : [];
  });
  expect(filled).toEqual([7, 8, 10, 11, 13, 14]);
  const kept = [...host.module.hostMemory.blocks()].map(([block]) => block * 1024);
  const bitmaps = pages.slice(6, 8).flatMap((page) => [0, 1, 2, 3].map((i) => page + i * 1024));
  expect(kept.slice(1, 9)).toEqual(bitmaps);
  expect(kept).toHaveLength(1 + 6 * 4);
});
