import { describe, expect, it } from "vitest";
import { moduleToJSON } from "../../src/module/snapshot.ts";
import { ALL_ONES, type Operands, TestHost, TestTd } from "../support/module.ts";

const GIB = 2 ** 30;
const TWO_MIB = 512 * 4096;
const REGISTERS = ["r8", "r9", "r10", "r11"] as const;
type Register = (typeof REGISTERS)[number];

/** What is wrong with a page operand (P-PAGE, ABI 6), and what it is called then. */
const FAILURES: readonly (readonly [string, string, (td: TestTd) => number | bigint])[] = [
  ["misaligned", "TDX_OPERAND_INVALID", ({ host }) => host.page() + 0x800],
  ["with HKID bits", "TDX_OPERAND_INVALID", ({ host }) => host.page() + 2 ** 46],
  ["with bit 62", "TDX_OPERAND_INVALID", ({ host }) => BigInt(host.page()) | (1n << 62n)],
  ["outside every TDMR", "TDX_OPERAND_ADDR_RANGE_ERROR", () => 64 * GIB],
  ["in use", "TDX_PAGE_METADATA_INCORRECT", ({ tdcx }) => tdcx[0] ?? 0],
  ["the call's own TDR", "TDX_OPERAND_BUSY", ({ tdr }) => tdr],
];

/** A TD with three L2 VMs and their tables down to level 2, and a pending 2 MiB page at 0. */
function partitionedTd(): TestTd {
  const host = new TestHost();
  const td = new TestTd(host, { numL2Vms: 3, stage: "INITIALIZED" });
  for (const level of [3, 2]) {
    td.mustSept("TDH.MEM.SEPT.ADD", level, freshPages(host), { version: 1 });
  }
  td.aug(0, 1);
  return td;
}

function freshPages(host: TestHost): Record<Register, number> {
  return { r8: host.page(), r9: host.page(), r10: host.page(), r11: host.page() };
}

const LEAVES = [
  { leaf: "TDH.MEM.SEPT.ADD", version: 1, pageInfo: TWO_MIB + 1 },
  { leaf: "TDH.MEM.PAGE.DEMOTE", version: 0, pageInfo: 1 },
] as const;

describe.each(LEAVES)("$leaf refuses a new page", ({ leaf, version, pageInfo }) => {
  describe.each(REGISTERS)("in %s", (register) => {
    it.each(FAILURES)("%s: %s", (_, status, wrong) => {
      const td = partitionedTd();
      const operands: Operands = { ...freshPages(td.host), [register]: wrong(td) };
      const before = moduleToJSON(td.host.module);
      const answer = td.sept(leaf, pageInfo, operands, { version });
      expect(answer).toMatchObject({
        status: `${status}|${register.toUpperCase()}`,
        rcx: 0n,
        rdx: 0n,
      });
      expect(moduleToJSON(td.host.module)).toEqual(before);
      for (const each of REGISTERS) expect(answer[each]).toBe(BigInt(operands[each] ?? 0));
    });
  });

  it("that it shares with an earlier register: busy", () => {
    const td = partitionedTd();
    const pages = freshPages(td.host);
    for (const [i, register] of REGISTERS.entries()) {
      if (i === 0) continue;
      const operands = { ...pages, [register]: pages[REGISTERS[i - 1] ?? "r8"] };
      const { status } = td.sept(leaf, pageInfo, operands, { version });
      expect(status).toBe(`TDX_OPERAND_BUSY|${register.toUpperCase()}`);
    }
  });

  it("that is the TDVPR of a running vCPU: busy, though it is not free either", () => {
    const td = partitionedTd();
    const other = new TestTd(td.host);
    other.enter();
    for (const register of REGISTERS) {
      const operands = { ...freshPages(td.host), [register]: other.tdvpr[0] ?? 0 };
      const { status } = td.sept(leaf, pageInfo, operands, { version, lp: 1 });
      expect(status).toBe(`TDX_OPERAND_BUSY|${register.toUpperCase()}`);
    }
  });

  it("in the order of the registers, L2 pages with bit 63 like those without", () => {
    const td = partitionedTd();
    const bad = (1n << 63n) | 0x800n;
    const pages = freshPages(td.host);
    const answers = [
      td.sept(leaf, pageInfo, { ...pages, r9: bad, r10: bad, r11: bad }, { version }),
      td.sept(leaf, pageInfo, { ...pages, r9: ALL_ONES, r10: bad, r11: bad }, { version }),
      td.sept(leaf, pageInfo, { ...pages, r9: ALL_ONES, r10: ALL_ONES, r11: bad }, { version }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([
      "TDX_OPERAND_INVALID|R9",
      "TDX_OPERAND_INVALID|R10",
      "TDX_OPERAND_INVALID|R11",
    ]);
    // SEPT.ADD version 1 gives the list back without bit 63, DEMOTE as it was (ABI 11, 33).
    expect(answers[0]?.r9).toBe(version === 1 ? 0x800n : bad);
  });
});
