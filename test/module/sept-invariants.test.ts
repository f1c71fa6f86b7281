import { describe, expect, it } from "vitest";
import { checkInvariants } from "../../src/module/invariants.ts";
import { PT_EPT, PT_REG } from "../../src/module/page-types.ts";
import {
  FREE,
  L2_NL_BLOCKED,
  L2_NL_MAPPED,
  MAPPED,
  NL_MAPPED,
} from "../../src/module/sept-states.ts";
import { lived, NOBODY, type Parts, pageAt, partsOf, SPARE } from "../support/lived-td.ts";
import { ALL_ONES, TestHost, TestTd } from "../support/module.ts";
import { freeHkid, reclaim } from "../support/teardown.ts";

const TD = "TD 0x100000000";
const TREE = "Secure EPT of 0x100000000";
const L2_TREE = "L2 Secure EPT 1 of 0x100000000";
/** Guest page below the only entry of the L2 tree. */
const ALIASED = 2 ** 27;

function largeIndex({ sept }: Parts): number {
  return pageAt(sept, 512, 1) / 512;
}

/** Sets the alias flags of the top entry that is not aliased, or takes those of the other. */
function setAliases({ sept }: Parts, gpaPage: number, aliases: number): void {
  sept.walk(gpaPage, 3);
  sept.set(NL_MAPPED, sept.page, 1, aliases);
}

/** Rules about Secure EPTs, what breaks each, and all that is said about it then. */
const BROKEN: readonly (readonly [string, (parts: Parts) => unknown, readonly string[]])[] = [
  [
    "a page is mapped once",
    ({ sept }) => sept.levels[0]?.assign(8, 1, MAPPED, pageAt(sept, 0, 0)),
    [
      `I-2: ${TREE}: mapped pages: 0x180000000 has two parents`,
      `I-2: ${TREE}: mapped pages: 516 in the tree, 515 in the PAMT`,
    ],
  ],
  [
    "a page is the table of one entry",
    ({ sept }) => sept.levels[2]?.assign(1, 1, NL_MAPPED, pageAt(sept, 0, 1)),
    [
      `I-2: ${TREE}: tables: 0x10001c000 has two parents`,
      `I-2: ${TREE}: tables: 6 in the tree, 5 in the PAMT`,
    ],
  ],
  [
    "a mapped page belongs to the TD",
    ({ m, sept }) => m.pamt.take(pageAt(sept, 0, 0), 1, PT_REG, NOBODY),
    [
      "I-8: 0x180000000 belongs to 0x123000, no TDR",
      `I-3: ${TD} has CHLDCNT 545 and owns 544`,
      "I-7: 0x180000000 is in the Secure EPT of 0x100000000, its type is 3",
      `I-2: ${TREE}: mapped pages: 515 in the tree, 514 in the PAMT`,
    ],
  ],
  [
    "a mapped 2 MiB page is PT_REG",
    (parts) => parts.m.pamt.free(largeIndex(parts), 1, 1),
    [
      `I-3: ${TD} has CHLDCNT 545 and owns 33`,
      "I-7: 0x180200000 is in the Secure EPT of 0x100000000, its type is 0",
      `I-2: ${TREE}: mapped pages: 515 in the tree, 3 in the PAMT`,
    ],
  ],
  [
    "a table is PT_EPT",
    ({ m, td, sept }) => m.pamt.take(pageAt(sept, 0, 1), 1, PT_REG, td.page),
    [
      "I-7: 0x10001c000 is in the Secure EPT of 0x100000000, its type is 3",
      `I-2: ${TREE}: mapped pages: 515 in the tree, 516 in the PAMT`,
      `I-2: ${TREE}: tables: 5 in the tree, 4 in the PAMT`,
    ],
  ],
  [
    "every page of a run is PT_REG, not the first alone",
    (parts) => {
      for (const gpaPage of [3, 4]) {
        parts.sept.levels[0]?.assign(gpaPage, 1, 10, pageAt(parts.sept, 0, 0) + gpaPage);
      }
    },
    [
      "I-7: 0x180003000 is in the Secure EPT of 0x100000000, its type is 0",
      `I-2: ${TREE}: mapped pages: 517 in the tree, 515 in the PAMT`,
    ],
  ],
  [
    "entries stand below a table",
    ({ sept }) => sept.levels[1]?.assign(0, 1, FREE, 0),
    [
      `I-7: ${TREE} has no table for the entries of level 0 at 0`,
      `I-7: ${TREE} has no table for the entries of level 0 at 1`,
      `I-7: ${TREE} has no table for the entries of level 0 at 2`,
      `I-2: ${TREE}: tables: 4 in the tree, 5 in the PAMT`,
    ],
  ],
  [
    "tables stand below a table",
    ({ sept }) => sept.levels[2]?.assign(0, 1, FREE, 0),
    [
      `I-7: ${TREE} has no table for the entries of level 1 at 0`,
      `I-7: ${TREE} has no table for the entries of level 1 at 1`,
      `I-2: ${TREE}: tables: 4 in the tree, 5 in the PAMT`,
    ],
  ],
  [
    "every entry of a run stands below a table",
    ({ m, td, sept }) => {
      m.pamt.take(SPARE, 3, PT_REG, td.page);
      td.chldcnt += 3;
      sept.levels[0]?.assign(510, 3, MAPPED, SPARE);
    },
    [`I-7: ${TREE} has no table for the entries of level 0 at 510`],
  ],
  [
    "there is no level above the root",
    ({ m, td, sept }) => {
      m.pamt.take(SPARE, 1, PT_EPT, td.page);
      td.chldcnt++;
      sept.levels[4]?.assign(0, 1, NL_MAPPED, SPARE);
    },
    [`I-7: ${TREE} has entries of level 4`],
  ],
  [
    "no page was blocked in an epoch to come",
    ({ m, sept }) => m.pamt.setBepoch(pageAt(sept, 0, 0), 1, 2),
    ["I-12: 0x180000000 was blocked in epoch 2"],
  ],
  [
    "no 2 MiB page was either",
    (parts) => parts.m.pamt.setBepoch(largeIndex(parts), 1, 2, 1),
    ["I-12: 0x180200000 was blocked in epoch 2"],
  ],
  [
    "a blocked page was blocked in some epoch",
    ({ m, sept }) => m.pamt.setBepoch(pageAt(sept, 1, 0), 1, 0),
    ["I-12: 0x180001000 was blocked in epoch 0"],
  ],
  [
    "an L2 table has an alias flag",
    (parts) => setAliases(parts, ALIASED, 0),
    [
      `I-7: ${L2_TREE} has an entry of level 3 at 1 of its own`,
      `I-7: ${TD}: 0 alias flags of VM 1, 1 tables`,
    ],
  ],
  [
    "an alias flag has an L2 table",
    (parts) => setAliases(parts, 0, 1),
    [`I-7: ${TD}: 2 alias flags of VM 1, 1 tables`],
  ],
  [
    "an alias flag of a VM that is not there has none",
    (parts) => setAliases(parts, 0, 4),
    [`I-7: ${TD}: 1 alias flags of VM 3, 0 tables`],
  ],
  [
    "an L2 entry is blocked with its L1 entry",
    ({ l2 }) => {
      l2.walk(ALIASED, 3);
      l2.set(L2_NL_BLOCKED, l2.page);
    },
    [`I-7: ${L2_TREE} has an entry of level 3 at 1 of its own`],
  ],
  [
    "an L2 table is PT_EPT",
    ({ m, td, l2 }) => {
      l2.walk(ALIASED, 3);
      m.pamt.take(l2.page, 1, PT_REG, td.page);
    },
    [
      `I-7: 0x10001e000 is in the ${L2_TREE} and is not PT_EPT`,
      `I-2: ${TREE}: mapped pages: 515 in the tree, 516 in the PAMT`,
      `I-2: ${TREE}: tables: 5 in the tree, 4 in the PAMT`,
    ],
  ],
  [
    "an L2 table belongs to the TD",
    ({ m, l2 }) => {
      l2.walk(ALIASED, 3);
      m.pamt.take(l2.page, 1, PT_EPT, NOBODY);
    },
    [
      "I-8: 0x10001e000 belongs to 0x123000, no TDR",
      `I-3: ${TD} has CHLDCNT 545 and owns 544`,
      `I-7: 0x10001e000 is in the ${L2_TREE} and is not PT_EPT`,
      `I-2: ${TREE}: tables: 5 in the tree, 4 in the PAMT`,
    ],
  ],
  [
    "L2 entries stand below a table, each beside an L1 entry, and point to tables",
    ({ l2 }) => l2.levels[2]?.assign(5, 2, L2_NL_MAPPED, SPARE),
    [
      `I-7: ${L2_TREE} has no table for the entries of level 2 at 5`,
      `I-7: ${L2_TREE} has an entry of level 2 at 5 of its own`,
      `I-7: 0x101388000 is in the ${L2_TREE} and is not PT_EPT`,
      `I-7: ${L2_TREE} has an entry of level 2 at 6 of its own`,
      `I-7: 0x101389000 is in the ${L2_TREE} and is not PT_EPT`,
      `I-7: ${TD}: 1 alias flags of VM 1, 3 tables`,
      `I-2: ${TREE}: tables: 7 in the tree, 5 in the PAMT`,
    ],
  ],
];

describe("of the Secure EPTs of a TD it is checked that", () => {
  it.each(BROKEN)("%s", (_rule, breakIt, violations) => {
    const tested = lived();
    breakIt(partsOf(tested));
    expect(checkInvariants(tested.host.module)).toEqual(violations);
  });

  it("runs of entries are maximal", () => {
    const tested = lived();
    const { sept, l2 } = partsOf(tested);
    const split = function* () {
      yield { start: 600, length: 1, tag: MAPPED, base: 2 ** 20 };
      yield { start: 601, length: 1, tag: MAPPED, base: 2 ** 20 + 512 };
      yield { start: 602, length: 1, tag: NL_MAPPED, base: 7 };
      yield { start: 603, length: 1, tag: NL_MAPPED, base: 8 };
    };
    for (const runs of [sept.levels[1], l2.levels[1]]) Object.assign(runs ?? {}, { runs: split });
    const violations = checkInvariants(tested.host.module);
    expect(violations.filter((text) => text.includes("split"))).toEqual([
      `runs: ${TREE} level 1 has a split run at 601`,
      `runs: ${TREE} level 1 has a split run at 603`,
      `runs: ${L2_TREE} level 1 has a split run at 603`,
    ]);
  });
});

describe("sound are", () => {
  it("tables and L2 tables of a blocked entry", () => {
    const td = lived();
    td.mustSept("TDH.MEM.RANGE.BLOCK", 2 ** 39 + 3);
    expect(checkInvariants(td.host.module)).toEqual([]);
  });

  it("L2 tables of three VMs, one below another", () => {
    const host = new TestHost();
    const td = new TestTd(host, { numL2Vms: 3, stage: "INITIALIZED" });
    const pages = () => ({ r8: host.page(), r9: host.page(), r10: host.page(), r11: host.page() });
    td.mustSept("TDH.MEM.SEPT.ADD", 3, pages(), { version: 1 });
    td.mustSept("TDH.MEM.SEPT.ADD", 2, { ...pages(), r9: ALL_ONES }, { version: 1 });
    expect(checkInvariants(host.module)).toEqual([]);
  });

  it("a 5-level tree, entries of its topmost level among them", () => {
    const td = new TestTd(new TestHost(), { pwl: 4, gpaw: 1 });
    td.addTables(2 ** 48);
    td.aug(2 ** 48);
    expect(checkInvariants(td.host.module)).toEqual([]);
  });

  it("trees left behind by a TD whose pages are being reclaimed", () => {
    const td = new TestTd(new TestHost());
    const [table] = td.addTables(0);
    const page = td.aug(0);
    freeHkid(td);
    for (const each of [table as number, page]) {
      reclaim(td.host, each);
      expect(checkInvariants(td.host.module)).toEqual([]);
    }
  });
});
