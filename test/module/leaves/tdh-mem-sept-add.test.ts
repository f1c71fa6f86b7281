import { describe, expect, it } from "vitest";
import { ALL_ONES, FREE_ENTRY, TestHost, TestTd } from "../../support/module.ts";

const LEAF = "TDH.MEM.SEPT.ADD";
const GPA = 0x4000_0000;
const BIT_63 = 1n << 63n;
const ALLOW_EXISTING = 1;

function td(numL2Vms = 0): TestTd {
  return new TestTd(new TestHost(), { numL2Vms });
}

/** Version 1: pages that are not named are none. */
function add1(tested: TestTd, level: number, pages: object, options: object = {}) {
  const none = { r8: ALL_ONES, r9: ALL_ONES, r10: ALL_ONES, r11: ALL_ONES };
  return tested.sept(LEAF, level, { ...none, ...pages }, { version: 1, ...options });
}

describe("TDH.MEM.SEPT.ADD", () => {
  it("makes a free entry NL_MAPPED and counts the page as the TD's", () => {
    const tested = td();
    const before = tested.state.chldcnt;
    const page = tested.host.page();
    expect(tested.sept(LEAF, 3, { r8: page })).toMatchObject({
      status: "TDX_SUCCESS",
      rcx: 0n,
      rdx: 0n,
      r8: BigInt(page),
    });
    expect(tested.entry(3)).toEqual({ rcx: 0x7n, rdx: 0x8403n });
    expect(tested.state.chldcnt).toBe(before + 1);
    expect(tested.host.call("TDH.PHYMEM.PAGE.RDMD", { rcx: page }).rcx).toBe(8n);
  });

  it("needs the tables above: a walk stopped early shows where", () => {
    const answer = td().sept(LEAF, GPA + 1, { r8: 0 });
    expect(answer).toMatchObject({
      status: "TDX_EPT_WALK_FAILED|RCX",
      rcx: FREE_ENTRY,
      rdx: 0x3n,
    });
  });

  it("refuses level 0 and a level above the root", () => {
    const tested = td();
    expect(tested.sept(LEAF, 0).status).toBe("TDX_OPERAND_INVALID|RCX");
    expect(tested.sept(LEAF, 4).status).toBe("TDX_OPERAND_INVALID|RCX");
  });

  it("adds at level 4 in a 5-level tree", () => {
    const tested = new TestTd(new TestHost(), { pwl: 4 });
    expect(tested.sept(LEAF, 4, { r8: tested.host.page() }).status).toBe("TDX_SUCCESS");
  });

  it("refuses reserved bits of RDX before it looks at the TDR", () => {
    const tested = td();
    const answer = tested.host.call(LEAF, { rcx: 3, rdx: tested.tdr + 2, r8: 1 });
    expect(answer.status).toBe("TDX_OPERAND_INVALID|RDX");
  });

  it("judges R8 last", () => {
    const tested = td();
    tested.mustSept(LEAF, 3, { r8: tested.host.page() });
    expect(tested.sept(LEAF, 3, { r8: 0x123 })).toMatchObject({
      status: "TDX_EPT_ENTRY_STATE_INCORRECT|RCX",
      rcx: 0x7n,
      rdx: 0x8403n,
    });
  });

  it.each([
    ["unaligned", 0x1_0000_0123, "TDX_OPERAND_INVALID|R8"],
    ["with HKID bits", 2 ** 46, "TDX_OPERAND_INVALID|R8"],
    ["outside every TDMR", 0x1000, "TDX_OPERAND_ADDR_RANGE_ERROR|R8"],
  ])("refuses a page %s", (_what, r8, status) => {
    expect(td().sept(LEAF, 3, { r8 }).status).toBe(status);
  });

  it("refuses a page in use; the TDR of the call itself is busy", () => {
    const tested = td();
    expect(tested.sept(LEAF, 3, { r8: tested.tdcx[0] as number }).status).toBe(
      "TDX_PAGE_METADATA_INCORRECT|R8",
    );
    expect(tested.sept(LEAF, 3, { r8: tested.tdr }).status).toBe("TDX_OPERAND_BUSY|R8");
  });

  it("refuses to go without a page in version 0", () => {
    expect(td().sept(LEAF, 3, { r8: ALL_ONES }).status).toBe("TDX_OPERAND_INVALID|R8");
  });

  it("ignores bit 63 of R8 in version 0 and gives R8 back as it was", () => {
    const tested = td();
    const r8 = BigInt(tested.host.page()) | BIT_63;
    expect(tested.sept(LEAF, 3, { r8 })).toMatchObject({ status: "TDX_SUCCESS", r8 });
  });

  it("with ALLOW_EXISTING succeeds on an existing table without looking at R8", () => {
    const tested = td();
    tested.mustSept(LEAF, 3, { r8: tested.host.page() });
    const rdx = tested.tdr + ALLOW_EXISTING;
    expect(tested.sept(LEAF, 3, { rdx, r8: 0x123 })).toMatchObject({
      status: "TDX_SUCCESS",
      r8: 0x123n,
    });
  });

  it("starts BEPOCH of the new table at 0", () => {
    const tested = td();
    const page = tested.host.page();
    tested.mustSept(LEAF, 3, { r8: page });
    expect(tested.host.call("TDH.PHYMEM.PAGE.RDMD", { rcx: page }).r9).toBe(0n);
  });
});

describe("TDH.MEM.SEPT.ADD version 1", () => {
  it("adds the L2 tables too and turns what was added into all-ones", () => {
    const tested = td(2);
    const before = tested.state.chldcnt;
    const [r8, r9, r10] = [tested.host.page(), tested.host.page(), tested.host.page()];
    expect(add1(tested, 3, { r8, r9, r10 })).toMatchObject({
      status: "TDX_SUCCESS",
      r8: ALL_ONES,
      r9: ALL_ONES,
      r10: ALL_ONES,
      r11: ALL_ONES,
    });
    expect(tested.state.chldcnt).toBe(before + 3);
  });

  it("clears bit 63 of its list even where the TDR operand is wrong", () => {
    const tested = td();
    const r9 = 0x5000n;
    expect(add1(tested, 3, { rdx: 0x123000, r9: r9 | BIT_63 })).toMatchObject({
      status: "TDX_OPERAND_ADDR_RANGE_ERROR|RDX",
      r9,
      r8: ALL_ONES,
    });
  });

  it("marks a page that an existing table makes needless, also when a later check fails", () => {
    const tested = td(1);
    tested.mustSept(LEAF, 3, { r8: tested.host.page() });
    const rdx = tested.tdr + ALLOW_EXISTING;
    expect(add1(tested, 3, { rdx, r8: 0x5000, r10: 0x6000 })).toMatchObject({
      status: "TDX_OPERAND_INVALID|R10",
      r8: 0x5000n | BIT_63,
      r10: 0x6000n,
    });
  });

  it("without R8 needs the L1 table to exist", () => {
    const tested = td(1);
    expect(add1(tested, 3, { r9: tested.host.page() })).toMatchObject({
      status: "TDX_EPT_ENTRY_STATE_INCORRECT|RCX",
      rcx: FREE_ENTRY,
      rdx: 0x3n,
    });
  });

  it("refuses a page for a VM that the TD has not", () => {
    const tested = td(1);
    const pages = { r8: tested.host.page(), r10: tested.host.page() };
    expect(add1(tested, 3, pages).status).toBe("TDX_OPERAND_INVALID|R10");
  });

  it("finds a page named twice busy, and then has added nothing", () => {
    const tested = td(1);
    const before = tested.state.chldcnt;
    const page = tested.host.page();
    expect(add1(tested, 3, { r8: page, r9: page }).status).toBe("TDX_OPERAND_BUSY|R9");
    expect(tested.state.chldcnt).toBe(before);
    expect(tested.entry(3)).toEqual({ rcx: FREE_ENTRY, rdx: 0x3n });
  });

  it("adds an L2 table only below an existing L2 parent", () => {
    const tested = td(1);
    tested.mustSept(LEAF, 3, { r8: tested.host.page() });
    expect(add1(tested, 2, { r8: tested.host.page(), r9: tested.host.page() })).toMatchObject({
      status: "TDX_L2_SEPT_WALK_FAILED|VM_1|LEVEL_3",
      rax: 0xc000_0b0f_0001_0003n,
      rcx: FREE_ENTRY,
      rdx: 0x14003n,
    });
  });

  it("refuses an L2 entry in use, unless existing ones are allowed", () => {
    const tested = td(1);
    add1(tested, 3, { r8: tested.host.page(), r9: tested.host.page() });
    const r9 = tested.host.page();
    expect(add1(tested, 3, { r9 })).toMatchObject({
      status: "TDX_L2_SEPT_ENTRY_NOT_FREE|VM_1|LEVEL_3",
      rcx: 0x407n,
      rdx: 0x1c403n,
    });
    const rdx = tested.tdr + ALLOW_EXISTING;
    expect(add1(tested, 3, { rdx, r9 })).toMatchObject({
      status: "TDX_SUCCESS",
      r9: BigInt(r9) | BIT_63,
    });
  });

  it("is interrupted before an L2 page once a page has been added, and resumes", () => {
    const tested = td(2);
    const [r8, r9, r10] = [tested.host.page(), tested.host.page(), tested.host.page()];
    const interrupted = add1(tested, 3, { r8, r9, r10 }, { quietTests: 1 });
    expect(interrupted).toMatchObject({
      status: "TDX_INTERRUPTED_RESUMABLE",
      rcx: 3n,
      rdx: BigInt(tested.tdr),
      r8: ALL_ONES,
      r9: ALL_ONES,
      r10: BigInt(r10),
    });
    expect(add1(tested, 3, { r10 })).toMatchObject({ status: "TDX_SUCCESS", r10: ALL_ONES });
  });

  it("does not test for interrupts before the first page of a call", () => {
    const tested = td(1);
    tested.mustSept(LEAF, 3, { r8: tested.host.page() });
    const answer = add1(tested, 3, { r9: tested.host.page() }, { quietTests: 0 });
    expect(answer.status).toBe("TDX_SUCCESS");
  });

  it("refuses version 2 and leaves R8 to R11 as they were", () => {
    const tested = td();
    const r8 = BigInt(tested.host.page()) | BIT_63;
    expect(tested.sept(LEAF, 3, { r8 }, { version: 2 })).toMatchObject({
      status: "TDX_OPERAND_INVALID|RAX",
      rcx: 0n,
      rdx: 0n,
      r8,
    });
  });
});
