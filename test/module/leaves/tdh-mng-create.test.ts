import { describe, expect, it } from "vitest";
import { type Operands, TestHost, TestTd } from "../../support/module.ts";
import { tearDown } from "../../support/teardown.ts";

const LEAF = "TDH.MNG.CREATE";
const FIRST_HKID = 32;
const GLOBAL_HKID = 35;
const HKID_SHIFT = 2 ** 46;

function create(host: TestHost, operands: Operands = {}) {
  return host.call(LEAF, { rcx: host.page(), rdx: FIRST_HKID, ...operands });
}

describe("TDH.MNG.CREATE", () => {
  it("makes the page a TDR without owner and assigns the HKID", () => {
    const host = new TestHost();
    const rcx = host.page();
    expect(create(host, { rcx }).status).toBe("TDX_SUCCESS");
    const page = host.call("TDH.PHYMEM.PAGE.RDMD", { rcx });
    expect(page).toMatchObject({ rcx: 4n, rdx: 0n, r8: 0n });
    expect(host.module.kot[0]?.state).toBe(1);
  });

  it.each([
    ["below the private range", 31],
    ["above the private range", 36],
    ["wider than 16 bits", FIRST_HKID + 0x10000],
    ["with bit 63 set", 2n ** 63n + BigInt(FIRST_HKID)],
  ])("refuses an HKID %s", (_what, rdx) => {
    expect(create(new TestHost(), { rdx }).status).toBe("TDX_OPERAND_INVALID|RDX");
  });

  it("judges the HKID before the page", () => {
    const answer = create(new TestHost(), { rcx: 0x123, rdx: 0 });
    expect(answer.status).toBe("TDX_OPERAND_INVALID|RDX");
  });

  it.each([
    ["is not aligned", 0x1_0000_0008, "TDX_OPERAND_INVALID|RCX"],
    ["has HKID bits", 0x1_0000_0000 + HKID_SHIFT, "TDX_OPERAND_INVALID|RCX"],
    ["is in no TDMR", 0x1000, "TDX_OPERAND_ADDR_RANGE_ERROR|RCX"],
  ])("refuses a page that %s", (_what, rcx, status) => {
    expect(create(new TestHost(), { rcx }).status).toBe(status);
  });

  it("refuses a page in use, and that before an HKID in use", () => {
    const host = new TestHost();
    const { tdr, hkid } = new TestTd(host, { stage: "CREATED" });
    expect(create(host, { rcx: tdr, rdx: hkid }).status).toBe("TDX_PAGE_METADATA_INCORRECT|RCX");
    expect(create(host, { rdx: hkid }).status).toBe("TDX_HKID_NOT_FREE");
  });

  it("never gives the module's own HKID away", () => {
    expect(create(new TestHost(), { rdx: GLOBAL_HKID }).rax).toBe(0xc000_0820_0000_0000n);
  });

  it("changes nothing without entropy", () => {
    const host = new TestHost();
    const operands = { rcx: host.page(), rdx: FIRST_HKID };
    const answer = host.call(LEAF, operands, { hasEntropy: false });
    expect(answer.status).toBe("TDX_RND_NO_ENTROPY");
    expect(create(host, operands).status).toBe("TDX_SUCCESS");
  });

  it("takes the HKID and the TDR page of a TD torn down", () => {
    const host = new TestHost();
    const td = new TestTd(host);
    tearDown(td);
    expect(create(host, { rcx: td.tdr, rdx: td.hkid }).status).toBe("TDX_SUCCESS");
  });

  it("has no version 1", () => {
    const host = new TestHost();
    const operands = { rcx: host.page(), rdx: FIRST_HKID };
    expect(host.call(LEAF, operands, { version: 1 }).status).toBe("TDX_OPERAND_INVALID|RAX");
  });
});
