import { describe, expect, test } from "vitest";
import { TestHost, TestTd } from "../support/module.ts";

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
});
