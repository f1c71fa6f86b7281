import { describe, expect, it } from "vitest";
import { checkInvariants } from "../../src/module/invariants.ts";
import type { TdxModule } from "../../src/module/module.ts";
import { FREE, MAPPED, NL_MAPPED } from "../../src/module/sept-states.ts";
import type { Td } from "../../src/module/tdr.ts";
import type { Vcpu } from "../../src/module/tdvps.ts";
import { ALL_ONES, type Stage, TestHost, TestTd } from "../support/module.ts";
import { tearDown } from "../support/teardown.ts";

const PT_REG = 3;
const NOBODY = 0x123;

/** A TD with 4 KiB and 2 MiB pages, an L2 table, one vCPU in the guest and one idle. */
function lived(): TestTd {
  const td = new TestTd(new TestHost(), { vcpus: 2, numL2Vms: 1 });
  td.addTables(0);
  for (const gpa of [0, 4096, 8192]) td.aug(gpa);
  td.aug(2 ** 21, 1);
  const tables = { r8: td.host.page(), r9: td.host.page(), r10: ALL_ONES, r11: ALL_ONES };
  td.mustSept("TDH.MEM.SEPT.ADD", 2 ** 39 + 3, tables, { version: 1 });
  td.enter();
  td.mustSept("TDH.MEM.RANGE.BLOCK", 4096);
  return td;
}

interface Parts {
  readonly m: TdxModule;
  readonly td: Td;
  readonly running: Vcpu;
}

function parts(tested: TestTd): Parts {
  const m = tested.host.module;
  return { m, td: tested.state, running: m.guests[0] as Vcpu };
}

describe("the invariants", () => {
  it.each<Stage>(["CREATED", "KEYS_CONFIGURED", "ADDCX_DONE", "INITIALIZED", "RUNNABLE"])(
    "hold of a TD that is %s",
    (stage) => {
      const { host } = new TestTd(new TestHost(), { stage });
      expect(checkInvariants(host.module)).toEqual([]);
    },
  );

  it("hold of a TD with pages of every kind and a vCPU in the guest", () => {
    expect(checkInvariants(lived().host.module)).toEqual([]);
  });

  it("hold after a teardown, with every page free and no lock held (I-13)", () => {
    const td = new TestTd(new TestHost());
    td.addTables(0);
    td.aug(0);
    tearDown(td);
    const { module } = td.host;
    expect(checkInvariants(module)).toEqual([]);
    expect(module.tds.size + module.vcpus.size + module.runningVcpus).toBe(0);
    const inUse = [...module.pamt.tables[0].runs()].filter(
      ({ start }) => module.pamt.type(start) !== 0,
    );
    expect(inUse).toEqual([]);
  });

  it.each<readonly [string, RegExp, (parts: Parts) => unknown]>([
    ["a page outside every TDMR", /^I-1/, ({ m, td }) => m.pamt.take(1, 1, PT_REG, td.page)],
    ["an unknown page type", /^I-1/, ({ m, td }) => m.pamt.take(2 ** 20 + 5000, 1, 7, td.page)],
    ["a reserved page that is not", /^I-1/, ({ m }) => m.pamt.take(2 ** 20 + 5000, 1, 1, 0)],
    [
      "pages below a large page",
      /^I-2/,
      ({ m, td }) => m.pamt.take(pageAt(td, 2 ** 9, 1) + 3, 1, PT_REG, td.page),
    ],
    ["a page mapped twice", /^I-2/, ({ td }) => mapAgain(td)],
    ["a CHLDCNT too large", /^I-3/, ({ td }) => td.chldcnt++],
    ["an HKID with two TDs", /^I-4/, ({ m, td }) => m.tds.set(NOBODY, { ...td, page: NOBODY })],
    ["an HKID free though in use", /^I-4/, ({ m }) => Object.assign(m.kot[0] ?? {}, { state: 0 })],
    [
      "caches of an HKID in use",
      /^I-4/,
      ({ m }) => Object.assign(m.kot[0] ?? {}, { wbinvdBitmap: 1 }),
    ],
    ["an association not counted", /^I-5/, ({ td }) => td.tdcs.numAssocVcpus--],
    ["a vCPU running elsewhere", /^I-5/, ({ running }) => Object.assign(running, { assocLp: 1 })],
    ["a vCPU not initialised and counted", /^I-5/, ({ td }) => td.tdcs.numVcpus++],
    [
      "keys configured with one missing",
      /^I-6/,
      ({ td }) => Object.assign(td, { pkgConfigBitmap: 1 }),
    ],
    ["an initialised TD without Secure EPT", /^I-6/, ({ td }) => Object.assign(td, { sept: null })],
    ["a mapped page that is free", /^I-7/, ({ m, td }) => m.pamt.free(pageAt(td, 0, 0), 1)],
    ["a table that is free", /^I-7/, ({ m, td }) => m.pamt.free(pageAt(td, 0, 1), 1)],
    [
      "entries below a missing table",
      /^I-7/,
      ({ td }) => td.sept?.levels[1]?.assign(0, 1, FREE, 0),
    ],
    ["an L2 table without alias flag", /^I-7/, ({ td }) => dropAlias(td)],
    ["a page of a TDR that is gone", /^I-8/, ({ m, td }) => m.tds.delete(td.page)],
    ["an epoch count without its vCPU", /^I-12/, ({ td }) => td.tdcs.refcount[0]++],
    [
      "a page blocked in the future",
      /^I-12/,
      ({ m, td }) => m.pamt.setBepoch(pageAt(td, 0, 0), 1, 9),
    ],
    ["a vCPU left two epochs behind", /^I-12/, ({ td }) => Object.assign(td.tdcs, { tdEpoch: 3 })],
    ["locks that nobody holds", /^I-5|^locks/, ({ m }) => m.guests.fill(null)],
  ])("see %s", (_what, violation, breakIt) => {
    const tested = lived();
    breakIt(parts(tested));
    const violations = checkInvariants(tested.host.module);
    expect(violations.filter((text) => violation.test(text))).not.toEqual([]);
  });
});

/** Host page that the entry of `level` for a guest page maps or points to. */
function pageAt(td: Td, gpaPage: number, level: number): number {
  td.sept?.walk(gpaPage, level);
  return td.sept?.page ?? 0;
}

function mapAgain(td: Td): void {
  td.sept?.levels[0]?.assign(8, 1, MAPPED, pageAt(td, 0, 0));
}

function dropAlias(td: Td): void {
  td.sept?.walk(2 ** 27, 3);
  td.sept?.set(NL_MAPPED, td.sept.page, 1);
}
