import { describe, expect, it } from "vitest";
import { checkInvariants } from "../../src/module/invariants.ts";
import { checkRuns } from "../../src/module/page-invariants.ts";
import { NEXT_PAGE, type PageRun, type PageRuns } from "../../src/module/page-runs.ts";
import { PT_EPT, PT_REG, PT_RSVD, PT_TDCX, PT_TDR, PT_TDVPR } from "../../src/module/page-types.ts";
import { lived, NOBODY, type Parts, pageAt, partsOf, SPARE } from "../support/lived-td.ts";
import { TestHost, TestTd } from "../support/module.ts";
import { freeHkid, reclaim } from "../support/teardown.ts";

const TD = "TD 0x100000000";
const UNKNOWN_TYPE = 7;
/** Entries of 2 MiB and 1 GiB that nothing uses. */
const SPARE_2M = 2 ** 11 + 9;
const SPARE_1G = 5;

function largePage({ sept }: Parts): number {
  return pageAt(sept, 512, 1);
}

/** Rules about the PAMT, what breaks each, and all that is said about it then. */
const BROKEN: readonly (readonly [string, (parts: Parts) => unknown, readonly string[]])[] = [
  [
    "every page in use lies in a TDMR",
    ({ m, td }) => m.pamt.take(2 ** 21 - 1, 2, PT_REG, td.page),
    [
      "I-1: 0x200000000 has a PAMT entry and is in no TDMR",
      `I-3: ${TD} has CHLDCNT 545 and owns 547`,
      "I-2: Secure EPT of 0x100000000: mapped pages: 515 in the tree, 517 in the PAMT",
    ],
  ],
  [
    "every page has a type of the ABI",
    ({ m, td }) => m.pamt.take(SPARE, 1, UNKNOWN_TYPE, td.page),
    ["I-1: 0x101388000 has the unknown type 7"],
  ],
  [
    "as many pages are reserved as the TDMRs say",
    ({ m }) => m.pamt.take(SPARE, 2, PT_RSVD, 0),
    ["I-1: 2 pages are reserved"],
  ],
  [
    "there are as many TDR pages as TDs",
    ({ m }) => m.pamt.take(SPARE, 1, PT_TDR, 0),
    ["I-8: 2 TDR pages for 1 TDs"],
  ],
  [
    "the TDR of a TD is a TDR page",
    ({ m, td }) => m.pamt.free(td.page, 1),
    ["I-8: 0 TDR pages for 1 TDs", `I-8: ${TD} has no PT_TDR page`],
  ],
  [
    "an entry of 2 MiB is PT_REG",
    ({ m, td }) => m.pamt.take(SPARE_2M, 1, PT_EPT, td.page, 0, 1),
    [
      "I-1: 0x101200000 of size 1 has type 8",
      `I-3: ${TD} has CHLDCNT 545 and owns 546`,
      "I-2: Secure EPT of 0x100000000: tables: 5 in the tree, 6 in the PAMT",
    ],
  ],
  [
    "nothing is in use below an entry of 1 GiB, of either size",
    ({ m, td }) => {
      m.pamt.take(SPARE_1G * 512, 1, PT_REG, td.page, 0, 1);
      m.pamt.take(SPARE_1G * 2 ** 18 + 513, 1, PT_REG, td.page);
      m.pamt.take(SPARE_1G, 1, PT_REG, td.page, 0, 2);
      td.chldcnt += 2 ** 18 + 513;
    },
    [
      "I-2: a page in use lies below the large page at 0x140000000",
      "I-2: a page in use lies below the large page at 0x140000000",
      "I-2: Secure EPT of 0x100000000: mapped pages: 515 in the tree, 263172 in the PAMT",
    ],
  ],
  [
    "nothing is in use below an entry of 2 MiB, by whomever",
    (parts) => parts.m.pamt.take(largePage(parts) + 511, 1, PT_TDR, 0),
    ["I-2: a page in use lies below the large page at 0x180200000", "I-8: 2 TDR pages for 1 TDs"],
  ],
  [
    "a page's owner is a TDR",
    ({ m }) => m.pamt.take(SPARE, 1, PT_REG, NOBODY),
    ["I-8: 0x101388000 belongs to 0x123000, no TDR"],
  ],
  [
    "a large page's owner is a TDR",
    ({ m }) => m.pamt.take(SPARE_2M, 1, PT_REG, NOBODY, 0, 1),
    ["I-8: 0x101200000 belongs to 0x123000, no TDR"],
  ],
  [
    "CHLDCNT is the number of 4 KiB pages that the TD owns",
    ({ td }) => td.chldcnt++,
    [`I-3: ${TD} has CHLDCNT 546 and owns 545`],
  ],
  [
    "a TD has a vCPU for each TDVPR",
    ({ m, td }) => {
      m.pamt.take(SPARE, 1, PT_TDVPR, td.page);
      td.chldcnt++;
    },
    [`I-2: ${TD} owns 3 TDVPRs of 2`],
  ],
  [
    "the TDVPR of a vCPU is a TDVPR page",
    ({ m, td, idle }) => {
      m.pamt.free(idle.page, 1);
      td.chldcnt--;
    },
    [
      `I-2: ${TD} owns 1 TDVPRs of 2`,
      `I-2: 0x100011000 is a control page of ${TD} and not so marked`,
    ],
  ],
  [
    "the pages of a TDCS are TDCX pages",
    ({ m, td }) => m.pamt.take(td.tdcxPages[0] as number, 1, PT_REG, td.page),
    [
      `I-2: 0x100001000 is a control page of ${TD} and not so marked`,
      `I-2: ${TD} owns 22 TDCX pages and has 23 in use`,
      "I-2: Secure EPT of 0x100000000: mapped pages: 515 in the tree, 516 in the PAMT",
    ],
  ],
  [
    "the pages of a TDCS belong to its TD",
    ({ m, td }) => m.pamt.take(td.tdcxPages[0] as number, 1, PT_TDCX, NOBODY),
    [
      "I-8: 0x100001000 belongs to 0x123000, no TDR",
      `I-3: ${TD} has CHLDCNT 545 and owns 544`,
      `I-2: 0x100001000 is a control page of ${TD} and not so marked`,
      `I-2: ${TD} owns 22 TDCX pages and has 23 in use`,
    ],
  ],
  [
    "the pages of a TDVPS but the first are TDCX pages",
    ({ m, td, idle }) => m.pamt.take(idle.pages[1] as number, 1, PT_TDVPR, td.page),
    [
      `I-2: ${TD} owns 3 TDVPRs of 2`,
      `I-2: 0x100012000 is a control page of ${TD} and not so marked`,
      `I-2: ${TD} owns 22 TDCX pages and has 23 in use`,
    ],
  ],
  [
    "a TDCX page is used once",
    ({ td }) => {
      td.tdcxPages[5] = td.tdcxPages[4] as number;
    },
    [`I-2: ${TD} owns 23 TDCX pages and has 23 in use`],
  ],
];

describe("of the pages of a module it is checked that", () => {
  it.each(BROKEN)("%s", (_rule, breakIt, violations) => {
    const tested = lived();
    breakIt(partsOf(tested));
    expect(checkInvariants(tested.host.module)).toEqual(violations);
  });

  it("runs of PAMT entries are maximal", () => {
    const { module } = lived().host;
    const [table] = module.pamt.tables;
    table.runs = function* () {
      yield { start: SPARE, length: 2, tag: 0, base: 0 };
      yield { start: SPARE + 2, length: 1, tag: 0, base: 0 };
    };
    expect(checkInvariants(module)).toContain(
      `runs: PAMT of size 0 has a split run at ${SPARE + 2}`,
    );
  });
});

describe("sound are", () => {
  it("holes of a TDMR that are reserved, and nothing else", () => {
    const reserved = [
      { offset: 2 ** 30, size: 8192 },
      { offset: 2 ** 31, size: 4096 },
    ];
    const tdmrs = [{ base: 2 ** 32, size: 2 ** 32, reserved }];
    expect(checkInvariants(new TestHost({ tdmrs }).module)).toEqual([]);
  });

  it("pages that run on from one TDMR to the next", () => {
    const tdmrs = [
      { base: 2 ** 32, size: 2 ** 30 },
      { base: 2 ** 32 + 2 ** 30, size: 2 ** 30 },
    ];
    const td = new TestTd(new TestHost({ tdmrs }));
    td.addTables(0);
    for (const [gpa, r8] of [0, 4096].map((at) => [at, 2 ** 32 + 2 ** 30 - 4096 + at])) {
      td.mustSept("TDH.MEM.PAGE.AUG", gpa as number, { r8: r8 as number });
    }
    expect(checkInvariants(td.host.module)).toEqual([]);
  });

  it("a page of 1 GiB", () => {
    const td = new TestTd(new TestHost(), { stage: "INITIALIZED" });
    td.addTables(0, 1);
    const r8 = td.host.memory(2 ** 30);
    td.mustSept("TDH.MEM.PAGE.AUG", 1, { r8 }, { count: 512 });
    td.mustSept("TDH.MEM.PAGE.PROMOTE", 2);
    expect(checkInvariants(td.host.module)).toEqual([]);
  });

  it("control structures whose pages are being reclaimed, in any order", () => {
    const td = new TestTd(new TestHost(), { vcpus: 2 });
    freeHkid(td);
    const pages = [td.tdcx[3], td.tdvpr[1], (td.tdvpr[0] as number) + 4096] as number[];
    for (const page of pages) {
      reclaim(td.host, page);
      expect(checkInvariants(td.host.module)).toEqual([]);
    }
  });
});

describe("runs of pages are told to be broken where", () => {
  function violations(all: readonly Partial<PageRun>[], runCount = all.length): string[] {
    const found: string[] = [];
    const runs = all.map((run) => ({ start: 0, length: 1, tag: 1, base: 0, ...run }));
    const broken = { runs: () => runs.values(), runCount } as unknown as PageRuns;
    checkRuns(broken, NEXT_PAGE, "it", (id, what) => found.push(`${id}: ${what}`));
    return found;
  }

  it("one continues the one before it", () => {
    const first = { start: 4, length: 3, base: 70 };
    expect(violations([first, { start: 7, base: 73 }])).toEqual(["runs: it has a split run at 7"]);
    expect(violations([first, { start: 8, base: 73 }])).toEqual([]);
    expect(violations([first, { start: 7, base: 72 }])).toEqual([]);
    expect(violations([first, { start: 7, base: 73, tag: 2 }])).toEqual([]);
  });

  it("one is empty", () => {
    expect(violations([{ start: 5, length: 0 }])).toEqual(["runs: it has a split run at 5"]);
  });

  it("they are not as many as counted", () => {
    expect(violations([{ start: 5 }], 2)).toEqual(["runs: it counts 2 runs, has 1"]);
  });

  it("not where the first begins at page 0, or the first of all has no tag", () => {
    expect(violations([{ start: 0, tag: 0 }])).toEqual([]);
  });
});
