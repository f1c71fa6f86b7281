import { describe, expect, it } from "vitest";
import { NEWER_LEAVES } from "../../../src/module/leaf-table.ts";
import { R8, RAX, RCX, Registers } from "../../../src/module/registers.ts";
import { TestHost } from "../../support/module.ts";

const MIB_2 = 2 ** 21;
/** Of the test platform's TDMR. */
const REGION = 2 ** 32;
const PAIR = 2 ** 20;
const ADD = 58;
const REMOVE = 59;

function newerHost(): TestHost {
  return new TestHost({ hasDynamicPamt: true });
}

function call(host: TestHost, number: number, rcx: number, r8 = 0): string {
  const r = new Registers();
  r.setNumber(RAX, number);
  r.setNumber(RCX, rcx);
  r.setNumber(R8, r8);
  return host.module.seamcall(0, r).text;
}

/** How many of ten calls, region after region, may be made at once. */
function reach(host: TestHost, number: number, rcx: number, rcxStride = MIB_2, r8Stride = 8192) {
  const r = new Registers();
  r.setNumber(RCX, rcx);
  const span = { rcxStride, r8Stride, addedLevels: 0 };
  return NEWER_LEAVES[number]?.reach?.(host.module, r, 10, span);
}

describe("TDH.PHYMEM.PAMT.ADD", () => {
  it("is unknown to the module where the platform has no Dynamic PAMT", () => {
    expect(call(new TestHost(), ADD, REGION, PAIR)).toBe("TDX_OPERAND_INVALID|RAX");
  });

  it("gives a region its two pages once", () => {
    const host = newerHost();
    expect(call(host, ADD, REGION, PAIR)).toBe("TDX_SUCCESS");
    expect(call(host, ADD, REGION, PAIR)).toBe("TDX_PAGE_METADATA_INCORRECT|RCX");
    expect(call(host, ADD, REGION + MIB_2, PAIR + 8192)).toBe("TDX_SUCCESS");
  });

  it.each([
    ["half a region", REGION + 4096, PAIR, "TDX_OPERAND_INVALID|RCX"],
    ["memory outside of TDMRs", 0, PAIR, "TDX_OPERAND_ADDR_RANGE_ERROR|RCX"],
    ["a pair that begins inside a page", REGION, PAIR + 1, "TDX_OPERAND_INVALID|R8"],
  ])("refuses %s", (_, rcx, r8, status) => {
    expect(call(newerHost(), ADD, rcx, r8)).toBe(status);
  });

  it("is uniform up to the next region that has its pages, or the end of the TDMR", () => {
    const host = newerHost();
    expect(reach(host, ADD, REGION)).toBe(10);
    call(host, ADD, REGION + 3 * MIB_2, PAIR);
    expect(reach(host, ADD, REGION)).toBe(3);
    expect(reach(host, ADD, REGION + 3 * MIB_2)).toBe(1);
    expect(reach(host, ADD, 2 * REGION - 2 * MIB_2)).toBe(2);
  });

  it.each([
    ["regions", 2 * MIB_2, 8192],
    ["pairs", MIB_2, 4096],
  ])("goes call by call where %s do not follow each other", (_, rcxStride, r8Stride) => {
    expect(reach(newerHost(), ADD, REGION, rcxStride, r8Stride)).toBe(1);
  });
});

describe("TDH.PHYMEM.PAMT.REMOVE", () => {
  it("takes the pages of a region back, which may then get others", () => {
    const host = newerHost();
    call(host, ADD, REGION, PAIR);
    expect(call(host, REMOVE, REGION)).toBe("TDX_SUCCESS");
    expect(call(host, REMOVE, REGION)).toBe("TDX_PAGE_METADATA_INCORRECT|RCX");
    expect(call(host, ADD, REGION, PAIR)).toBe("TDX_SUCCESS");
  });

  it("refuses a region with a page in use", () => {
    const host = newerHost();
    call(host, ADD, REGION, PAIR);
    const tdr = host.page();
    host.must("TDH.MNG.CREATE", { rcx: tdr, rdx: 32 });
    expect(call(host, REMOVE, REGION)).toBe("TDX_PAGE_METADATA_INCORRECT|RCX");
  });

  it("refuses half a region", () => {
    expect(call(newerHost(), REMOVE, REGION + 4096)).toBe("TDX_OPERAND_INVALID|RCX");
  });

  it("is uniform over regions that have their pages and none in use", () => {
    const host = newerHost();
    for (let i = 1; i < 5; i++) call(host, ADD, REGION + i * MIB_2, PAIR + i * 8192);
    expect(reach(host, REMOVE, REGION + MIB_2)).toBe(4);
    expect(reach(host, REMOVE, REGION)).toBe(1);
    expect(reach(host, REMOVE, REGION + MIB_2, 2 * MIB_2)).toBe(1);
  });
});
