import { describe, expect, it } from "vitest";
import { TestHost, TestTd } from "../../support/module.ts";
import { tearDown } from "../../support/teardown.ts";

const LEAF = "TDH.PHYMEM.PAGE.RDMD";
const GIB = 2 ** 30;
const ZEROES = { rcx: 0n, rdx: 0n, r8: 0n, r9: 0n, r10: 0n, r11: 0n };

function td(): TestTd {
  const tested = new TestTd(new TestHost());
  tested.addTables(0, 0);
  return tested;
}

describe("TDH.PHYMEM.PAGE.RDMD", () => {
  it("shows a page never used as free and without owner", () => {
    const host = new TestHost();
    const ones = { rdx: 1, r8: 1, r9: 1, r10: 1, r11: 1 };
    expect(host.call(LEAF, { rcx: host.page(), ...ones })).toMatchObject(ZEROES);
  });

  it("shows a reserved page", () => {
    const reserved = [{ offset: 0, size: 4096 }];
    const host = new TestHost({ tdmrs: [{ base: 4 * GIB, size: GIB, reserved }] });
    expect(host.must(LEAF, { rcx: 4 * GIB })).toMatchObject({ ...ZEROES, rcx: 1n });
  });

  it("shows BEPOCH of guest pages", () => {
    const tested = td();
    const page = tested.aug(0);
    tested.host.must("TDH.MEM.TRACK", { rcx: tested.tdr });
    tested.mustSept("TDH.MEM.RANGE.BLOCK", 0);
    const owner = BigInt(tested.tdr);
    expect(tested.host.must(LEAF, { rcx: page })).toMatchObject({ rcx: 3n, rdx: owner, r9: 2n });
  });

  it("shows BEPOCH of Secure EPT pages", () => {
    const tested = td();
    const page = tested.host.page();
    tested.mustSept("TDH.MEM.SEPT.ADD", 2 ** 21 + 1, { r8: page });
    tested.mustSept("TDH.MEM.RANGE.BLOCK", 2 ** 21 + 1);
    expect(tested.host.must(LEAF, { rcx: page })).toMatchObject({ rcx: 8n, r9: 1n });
  });

  it("shows any 4 KiB of a large page with its size", () => {
    const tested = new TestTd(new TestHost());
    tested.addTables(0, 1);
    const page = tested.aug(0, 1);
    expect(tested.host.must(LEAF, { rcx: page + 5 * 4096 })).toMatchObject({ rcx: 3n, r8: 1n });
  });

  it("shows BEPOCH of private and Secure EPT pages alone, though a control page keeps one", () => {
    const tested = new TestTd(new TestHost({ keepsFreedBepoch: true }), { stage: "INITIALIZED" });
    const { host, tdr } = tested;
    const [table = 0] = tested.addTables(0, 2);
    tested.mustSept("TDH.MEM.RANGE.BLOCK", 3);
    expect(host.must(LEAF, { rcx: table })).toMatchObject({ rcx: 8n, r9: 1n });
    tested.mustSept("TDH.MEM.SEPT.REMOVE", 3);
    host.must("TDH.VP.CREATE", { rcx: table, rdx: tdr });
    expect(host.must(LEAF, { rcx: table })).toMatchObject({ rcx: 6n, r9: 0n });
  });

  it("shows the last owner of a freed page", () => {
    const tested = td();
    const page = tested.aug(0);
    tearDown(tested);
    const entry = tested.host.must(LEAF, { rcx: page });
    expect(entry).toMatchObject({ rcx: 0n, rdx: BigInt(tested.tdr), r9: 0n });
    expect(tested.host.must(LEAF, { rcx: tested.tdr })).toMatchObject(ZEROES);
  });

  it.each([
    ["that is not aligned", 4 * GIB + 8, "TDX_OPERAND_INVALID|RCX"],
    ["with HKID bits", 4 * GIB + 2 ** 46, "TDX_OPERAND_INVALID|RCX"],
    ["in no TDMR", 4096, "TDX_OPERAND_ADDR_RANGE_ERROR|RCX"],
  ])("shows nothing of an address %s", (_what, rcx, status) => {
    const answer = new TestHost().call(LEAF, { rcx, rdx: 1, r8: 1, r9: 1 });
    expect(answer).toMatchObject({ ...ZEROES, status });
  });

  it("can look at a page that a running vCPU holds", () => {
    const tested = td();
    tested.enter();
    expect(tested.host.must(LEAF, { rcx: tested.tdvpr[0] as number }).rcx).toBe(6n);
  });
});
