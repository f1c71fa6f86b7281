import { describe, expect, it } from "vitest";
import { tdhPhymemPageWbinvd } from "../../../src/module/leaves/tdh-phymem-page-wbinvd.ts";
import { Registers } from "../../../src/module/registers.ts";
import { TestHost, TestTd } from "../../support/module.ts";

const LEAF = "TDH.PHYMEM.PAGE.WBINVD";
const HKID_SHIFT = 2 ** 46;
const GIB = 2 ** 30;
const TDMR_END = 8 * GIB;
const SPAN = { rcxStride: 4096, r8Stride: 0, addedLevels: 0 };

describe("TDH.PHYMEM.PAGE.WBINVD", () => {
  it.each([
    ["no HKID", 0],
    ["a private HKID", 32],
    ["an HKID that does not exist", 63],
  ])("takes a free page with %s", (_what, hkid) => {
    const host = new TestHost();
    const answer = host.call(LEAF, { rcx: host.page() + hkid * HKID_SHIFT });
    expect(answer.status).toBe("TDX_SUCCESS");
  });

  it("refuses pages in use, small and large", () => {
    const td = new TestTd(new TestHost());
    td.addTables(0, 1);
    const page = td.aug(0, 1);
    for (const rcx of [td.tdr, page, page + 4096]) {
      expect(td.host.call(LEAF, { rcx }).status).toBe("TDX_PAGE_METADATA_INCORRECT|RCX");
    }
  });

  it("refuses a reserved page as one in use", () => {
    const reserved = [{ offset: 0, size: 4096 }];
    const host = new TestHost({ tdmrs: [{ base: 4 * GIB, size: GIB, reserved }] });
    const answer = host.call(LEAF, { rcx: 4 * GIB });
    expect(answer.status).toBe("TDX_PAGE_METADATA_INCORRECT|RCX");
  });

  it.each([
    ["that is not aligned", 4 * GIB + 8, "TDX_OPERAND_INVALID|RCX"],
    ["with bit 52", 2 ** 52 + 4 * GIB, "TDX_OPERAND_INVALID|RCX"],
    ["in no TDMR", 4096, "TDX_OPERAND_ADDR_RANGE_ERROR|RCX"],
  ])("refuses an address %s", (_what, rcx, status) => {
    expect(new TestHost().call(LEAF, { rcx }).status).toBe(status);
  });

  describe("reaches", () => {
    function reach(host: TestHost, page: number, most: number): number | undefined {
      const r = new Registers();
      r.setNumber(1, page + 32 * HKID_SHIFT);
      return tdhPhymemPageWbinvd.reach?.(host.module, r, most, SPAN);
    }

    it("to the next page in use", () => {
      const td = new TestTd(new TestHost());
      td.addTables(0);
      td.aug(0);
      const page = td.aug(4096);
      expect(reach(td.host, page - 3 * 4096, 100)).toBe(2);
    });

    it("to a large page in use", () => {
      const td = new TestTd(new TestHost());
      td.addTables(0, 1);
      const page = td.aug(0, 1);
      expect(reach(td.host, page - 3 * 4096, 100)).toBe(3);
    });

    it("to the end of large pages that the same body takes back", () => {
      const td = new TestTd(new TestHost());
      td.addTables(0, 1);
      const page = td.host.memory(4 * 2 ** 21);
      td.mustSept("TDH.MEM.PAGE.AUG", 1, { r8: page }, { count: 3 });
      expect(reach(td.host, page + 5 * 4096, 2000)).toBe(3 * 512 - 5);
      expect(reach(td.host, page + 5 * 4096, 600)).toBe(600);
      expect(reach(td.host, page + 511 * 4096, 2)).toBe(2);
    });

    it("one page where pages do not follow each other, or the address is none", () => {
      const { module } = new TestHost();
      const r = new Registers();
      r.setNumber(1, TDMR_END - 4 * 4096);
      expect(tdhPhymemPageWbinvd.reach?.(module, r, 3, { ...SPAN, rcxStride: 8192 })).toBe(1);
      expect(tdhPhymemPageWbinvd.reach?.(module, r, 3, SPAN)).toBe(3);
      r.setHigh(1, 1);
      expect(tdhPhymemPageWbinvd.reach?.(module, r, 3, SPAN)).toBe(1);
    });

    it("to the end of the TDMR", () => {
      expect(reach(new TestHost(), TDMR_END - 2 * 4096, 100)).toBe(2);
    });
  });
});
