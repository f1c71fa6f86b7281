import { describe, expect, it } from "vitest";
import type { Span } from "../../../src/module/leaf.ts";
import { tdhPhymemPageReclaim } from "../../../src/module/leaves/tdh-phymem-page-reclaim.ts";
import { RCX, Registers } from "../../../src/module/registers.ts";
import { TestHost, TestTd } from "../../support/module.ts";
import { freeHkid } from "../../support/teardown.ts";

const LEAF = "TDH.PHYMEM.PAGE.RECLAIM";
const GPA = 0x4000_0000;

/** A TD with a 4 KiB and a 2 MiB page, up to TD_TEARDOWN unless it stays alive. */
function td(isTornDown = true) {
  const tested = new TestTd(new TestHost());
  const { host } = tested;
  const table = tested.addTables(GPA).at(-1) as number;
  const small = tested.aug(GPA);
  const large = tested.aug(GPA + 2 ** 21, 1);
  if (isTornDown) {
    host.must("TDH.VP.FLUSH", { rcx: tested.tdvpr[0] as number });
    host.must("TDH.MNG.VPFLUSHDONE", { rcx: tested.tdr });
    for (const lp of [0, 1]) host.must("TDH.PHYMEM.CACHE.WB", {}, { lp });
    host.must("TDH.MNG.KEY.FREEID", { rcx: tested.tdr });
  }
  return { td: tested, host, small, large, table };
}

describe("TDH.PHYMEM.PAGE.RECLAIM", () => {
  it("takes pages back in any order and shows what they were", () => {
    const made = td();
    const owner = BigInt(made.td.tdr);
    const before = made.td.state.chldcnt;
    expect(made.host.call(LEAF, { rcx: made.table })).toMatchObject({
      status: "TDX_SUCCESS",
      rcx: 8n,
      rdx: owner,
      r8: 0n,
    });
    expect(made.host.call(LEAF, { rcx: made.large })).toMatchObject({
      status: "TDX_SUCCESS",
      rcx: 3n,
      rdx: owner,
      r8: 1n,
    });
    expect(made.td.state.chldcnt).toBe(before - 513);
  });

  it("zeroes R9 to R11", () => {
    const { host, small } = td();
    const answer = host.call(LEAF, { rcx: small, r9: 1, r10: 2, r11: 3 });
    expect(answer).toMatchObject({ r9: 0n, r10: 0n, r11: 0n });
  });

  it("leaves the owner of the page to be seen", () => {
    const { td: tested, host, small } = td();
    host.must(LEAF, { rcx: small });
    expect(host.call("TDH.PHYMEM.PAGE.RDMD", { rcx: small })).toMatchObject({
      rcx: 0n,
      rdx: BigInt(tested.tdr),
    });
  });

  it("waits for TD_TEARDOWN, but shows the page before", () => {
    const { td: tested, host } = td(false);
    expect(host.call(LEAF, { rcx: tested.tdvpr[0] as number })).toMatchObject({
      status: "TDX_LIFECYCLE_STATE_INCORRECT",
      rax: 0xc000_0607_0000_0000n,
      rcx: 6n,
      rdx: BigInt(tested.tdr),
    });
  });

  it("takes the TDR last", () => {
    const { td: tested, host, small, large } = td();
    expect(host.call(LEAF, { rcx: tested.tdr })).toMatchObject({
      status: "TDX_TD_ASSOCIATED_PAGES_EXIST",
      rcx: 4n,
      rdx: 0n,
    });
    for (const rcx of [small, large]) host.must(LEAF, { rcx });
    for (let rcx = tested.tdr + 4096; tested.state.chldcnt > 0; rcx += 4096) {
      host.must(LEAF, { rcx });
    }
    expect(host.call(LEAF, { rcx: tested.tdr })).toMatchObject({
      status: "TDX_SUCCESS",
      rcx: 4n,
      rdx: 0n,
    });
    expect(host.module.tds.size).toBe(0);
  });

  it("insists on the start of a large page, and shows it all the same", () => {
    const { td: tested, host, large } = td();
    expect(host.call(LEAF, { rcx: large + 4096 })).toMatchObject({
      status: "TDX_OPERAND_INVALID|RCX",
      rcx: 3n,
      rdx: BigInt(tested.tdr),
      r8: 1n,
    });
  });

  it("shows nothing of a page that is free or reserved", () => {
    const base = 2 ** 32;
    const tdmrs = [{ base, size: 2 ** 32, reserved: [{ offset: 2 ** 30, size: 4096 }] }];
    const host = new TestHost({ tdmrs });
    for (const rcx of [base, base + 2 ** 30]) {
      expect(host.call(LEAF, { rcx, rdx: 1, r8: 1 })).toMatchObject({
        status: "TDX_PAGE_METADATA_INCORRECT|RCX",
        rcx: 0n,
        rdx: 0n,
        r8: 0n,
      });
    }
  });

  it("finds the TDVPR and the TDR of a running vCPU busy, other pages too early", () => {
    const { td: tested, host, small } = td(false);
    tested.enter();
    for (const rcx of [tested.tdvpr[0] as number, tested.tdr]) {
      expect(host.call(LEAF, { rcx }).status).toBe("TDX_OPERAND_BUSY|RCX");
    }
    expect(host.call(LEAF, { rcx: small }).status).toBe("TDX_LIFECYCLE_STATE_INCORRECT");
  });
});

describe("TDH.PHYMEM.PAGE.RECLAIM of many pages at once", () => {
  /** How many of 600 calls, pages `stride` bytes apart, end alike. */
  function reach(host: TestHost, rcx: number, rcxStride = 4096) {
    const r = new Registers();
    r.setNumber(RCX, rcx);
    const span = { rcxStride, r8Stride: 0, addedLevels: 0 };
    return tdhPhymemPageReclaim.reach?.(host.module, r, 600, span);
  }

  function withPages() {
    const { td: tested, host } = td(false);
    const pages = Array.from({ length: 3 }, (_, i) => tested.aug(GPA + (i + 1) * 4096));
    const large = [2, 3].map((i) => tested.aug(GPA + i * 2 ** 21, 1));
    return { td: tested, host, small: pages[0] as number, large: large[0] as number };
  }

  it("is uniform over neighbours of one kind, a page of 2 MiB counting once", () => {
    const made = withPages();
    freeHkid(made.td);
    expect(reach(made.host, made.small)).toBe(3);
    expect(reach(made.host, made.large, 2 ** 21)).toBe(2);
  });

  it("goes call by call where the operands skip pages or stand inside one", () => {
    const made = withPages();
    freeHkid(made.td);
    expect(reach(made.host, made.small, 8192)).toBe(1);
    expect(reach(made.host, made.large)).toBe(1);
    expect(reach(made.host, made.large + 4096, 2 ** 21)).toBe(1);
  });

  it.each([
    [false, 5],
    [true, 1],
  ])("is uniform over tables, and over TDCX pages unless contents are kept: %s", (kept, tdcx) => {
    const host = new TestHost({ keepsFreedBepoch: kept });
    const made = new TestTd(host);
    const [table = 0] = made.addTables(GPA);
    freeHkid(made);
    expect(reach(host, table)).toBe(3);
    expect(reach(host, made.tdcx[1] ?? 0)).toBe(tdcx);
    expect([reach(host, made.tdr), reach(host, made.tdvpr[0] ?? 0)]).toEqual([1, 1]);
  });

  it("goes call by call before the teardown, and over free pages", () => {
    const made = withPages();
    expect(reach(made.host, made.small)).toBe(1);
    freeHkid(made.td);
    expect(reach(made.host, made.host.memory())).toBe(1);
  });

  it("jumps from vCPU to vCPU, over as many as lie alike", () => {
    const host = new TestHost();
    const made = new TestTd(host, { vcpus: 4 });
    const [tdvpr = 0] = made.tdvpr;
    // The third vCPU has lost a page.
    freeHkid(made);
    host.must(LEAF, { rcx: tdvpr + 15 * 4096 });
    const rowStride = 6 * 4096;
    const tdvpx = { rcxStride: 4096, rowCalls: 5, rowStride, r8Stride: 0, addedLevels: 0 };
    const roots = { ...tdvpx, rcxStride: rowStride, rowCalls: 1 };
    const reached = (rcx: number, most: number, span: Span) => {
      const r = new Registers();
      r.setNumber(RCX, rcx);
      return tdhPhymemPageReclaim.reach?.(host.module, r, most, span);
    };
    expect(reached(tdvpr + 4096, 20, tdvpx)).toBe(10);
    expect(reached(tdvpr + 4096, 5, tdvpx)).toBe(5);
    expect(reached(tdvpr, 4, roots)).toBe(4);
    expect(reached(tdvpr, 9, roots)).toBe(4);
    expect(reached(tdvpr, 4, { ...roots, rcxStride: 4096, rowStride: 4096 })).toBe(1);
    expect(reached(tdvpr + 4096, 20, { ...tdvpx, rcxStride: 8192 })).toBe(1);
  });

  it("goes call by call while a vCPU of any TD holds locks", () => {
    const made = withPages();
    freeHkid(made.td);
    new TestTd(made.host).enter();
    expect(reach(made.host, made.small)).toBe(1);
  });
});
