import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Ledger } from "../../src/ledger/ledger.ts";
import type { PageSizeLevel } from "../../src/ledger/phase-tally.ts";

const LEAVES = [
  [7, "TDH.MEM.RANGE.BLOCK"],
  [38, "TDH.MEM.TRACK"],
  [29, "TDH.MEM.PAGE.REMOVE"],
  [28, "TDH.PHYMEM.PAGE.RECLAIM"],
  [0, "TDH.VP.ENTER"],
] as const;

interface Call {
  readonly phase: string;
  readonly leaf: number;
  readonly status: string;
  readonly count: number;
  readonly size: PageSizeLevel;
}

const call: fc.Arbitrary<Call> = fc.record({
  phase: fc.constantFrom("remove-private", "reclaim-private", "KVM_TDX_INIT_VM"),
  leaf: fc.integer({ min: 0, max: LEAVES.length - 1 }),
  status: fc.constantFrom("TDX_SUCCESS", "TDX_OPERAND_BUSY|RCX", "TDX_OPERAND_BUSY|SEPT"),
  count: fc.integer({ min: 0, max: 1_000_000_000 }),
  size: fc.constantFrom(-1 as const, 0 as const, 1 as const, 2 as const),
});

function tell(ledger: Ledger, { phase, leaf, status, count, size }: Call): void {
  const [leafNumber, leafName] = LEAVES[leaf] ?? LEAVES[0];
  ledger.phase(phase);
  ledger.seamcalls(leafNumber, leafName, status, count, size);
}

function ledgerOf(calls: readonly Call[]): Ledger {
  const ledger = new Ledger();
  for (const each of calls) tell(ledger, each);
  return ledger;
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

describe("counting", () => {
  test("phases and leaves keep the order in which they were first used", () => {
    const ledger = new Ledger();
    ledger.phase("release-hkid");
    ledger.seamcalls(18, "TDH.VP.FLUSH", "TDX_SUCCESS", 4, -1);
    ledger.seamcalls(40, "TDH.PHYMEM.CACHE.WB", "TDX_SUCCESS", 1, -1);
    ledger.phase("reclaim-private");
    ledger.seamcalls(28, "TDH.PHYMEM.PAGE.RECLAIM", "TDX_SUCCESS", 9, 0);
    ledger.phase("release-hkid");
    ledger.seamcalls(20, "TDH.MNG.KEY.FREEID", "TDX_SUCCESS", 1, -1);
    expect(ledger.phases().map(({ phase, seamcalls }) => [phase, seamcalls])).toEqual([
      [
        "release-hkid",
        {
          total: 6,
          byLeaf: { "TDH.VP.FLUSH": 4, "TDH.PHYMEM.CACHE.WB": 1, "TDH.MNG.KEY.FREEID": 1 },
        },
      ],
      ["reclaim-private", { total: 9, byLeaf: { "TDH.PHYMEM.PAGE.RECLAIM": 9 } }],
    ]);
    expect(Object.keys(ledger.totals().seamcalls.byLeaf)).toEqual([
      "TDH.VP.FLUSH",
      "TDH.PHYMEM.CACHE.WB",
      "TDH.MNG.KEY.FREEID",
      "TDH.PHYMEM.PAGE.RECLAIM",
    ]);
  });

  test("failed calls count in the leaf and are told apart by status and page size", () => {
    const ledger = new Ledger();
    ledger.phase("remove-private");
    ledger.seamcalls(29, "TDH.MEM.PAGE.REMOVE", "TDX_OPERAND_BUSY|SEPT", 3, 0);
    ledger.seamcalls(29, "TDH.MEM.PAGE.REMOVE", "TDX_SUCCESS", 5, 0);
    ledger.seamcalls(29, "TDH.MEM.PAGE.REMOVE", "TDX_OPERAND_BUSY|SEPT", 1, 1);
    const [phase] = ledger.phases();
    expect(phase?.seamcalls.byLeaf).toEqual({ "TDH.MEM.PAGE.REMOVE": 9 });
    expect(phase?.statuses).toEqual({ TDX_SUCCESS: 5, "TDX_OPERAND_BUSY|SEPT": 4 });
    const busy = { leaf: "TDH.MEM.PAGE.REMOVE", status: "TDX_OPERAND_BUSY|SEPT" };
    expect(phase?.failedCalls).toEqual([
      { ...busy, pageSize: "4K", count: 3 },
      { ...busy, pageSize: "2M", count: 1 },
    ]);
  });

  test("only pages larger than 4 KiB are told by size", () => {
    const ledger = new Ledger();
    ledger.phase("reclaim-private");
    for (const size of [-1, 0, 1, 2] as const) {
      ledger.seamcalls(28, "TDH.PHYMEM.PAGE.RECLAIM", "TDX_SUCCESS", 10 + size, size);
    }
    expect(ledger.phases()[0]?.largePageCalls).toEqual({
      "TDH.PHYMEM.PAGE.RECLAIM": { "2M": 11, "1G": 12 },
    });
  });

  test("TDX_SUCCESS comes first among statuses, whatever came first in time", () => {
    const ledger = new Ledger();
    ledger.phase("remove-private");
    ledger.seamcalls(38, "TDH.MEM.TRACK", "TDX_PREVIOUS_TLB_EPOCH_BUSY", 1, -1);
    ledger.seamcalls(38, "TDH.MEM.TRACK", "TDX_OPERAND_BUSY|TDR", 1, -1);
    ledger.seamcalls(38, "TDH.MEM.TRACK", "TDX_SUCCESS", 1, -1);
    expect(Object.keys(ledger.totals().statuses)).toEqual([
      "TDX_SUCCESS",
      "TDX_OPERAND_BUSY|TDR",
      "TDX_PREVIOUS_TLB_EPOCH_BUSY",
    ]);
  });

  test("bytes cleared are 4096 for each page cleared", () => {
    const ledger = new Ledger();
    ledger.phase("reclaim-private");
    ledger.hostWork("pageClears4K", 4_202_544);
    ledger.hostWork("ipis", 4);
    ledger.hostWork("vcpuKicks", 2);
    expect(ledger.totals().hostWork).toEqual({
      pagesCleared: 4_202_544,
      bytesCleared: 17_213_620_224,
      ipis: 4,
      vcpuKicks: 2,
    });
  });

  test("a phase in which nothing happened is left out", () => {
    const ledger = new Ledger();
    ledger.phase("reclaim-private");
    ledger.phase("reclaim-sept");
    ledger.seamcalls(28, "TDH.PHYMEM.PAGE.RECLAIM", "TDX_SUCCESS", 1, 0);
    expect(ledger.phases().map(({ phase }) => phase)).toEqual(["reclaim-sept"]);
  });

  test("leaves called zero times are left out", () => {
    const ledger = new Ledger();
    ledger.phase("reclaim-private");
    ledger.seamcalls(28, "TDH.PHYMEM.PAGE.RECLAIM", "TDX_SUCCESS", 0, 0);
    expect(ledger.totals()).toMatchObject({ seamcalls: { total: 0, byLeaf: {} }, statuses: {} });
  });
});

describe("our own mistakes are loud", () => {
  test("a call before any phase throws", () => {
    expect(() => new Ledger().seamcalls(0, "TDH.VP.ENTER", "TDX_SUCCESS", 1, -1)).toThrow(
      "before any phase",
    );
  });

  test.each([-1, 128, 1.5])("leaf number %d throws", (leafNumber) => {
    const ledger = new Ledger();
    ledger.phase("reclaim-private");
    expect(() => ledger.seamcalls(leafNumber, "TDH.X", "TDX_SUCCESS", 1, 0)).toThrow(RangeError);
  });

  test.each([2 ** 53, -1, 0.5])("a sum of %d calls cannot be read", (count) => {
    const ledger = new Ledger();
    ledger.phase("reclaim-private");
    ledger.seamcalls(28, "TDH.PHYMEM.PAGE.RECLAIM", "TDX_SUCCESS", count, 0);
    expect(() => ledger.phases()).toThrow("not a safe integer");
  });

  test("unknown host work throws", () => {
    const ledger = new Ledger();
    ledger.phase("reclaim-private");
    expect(() => ledger.hostWork("coffee" as "ipis", 1)).toThrow("coffee");
  });
});

describe("properties", () => {
  test("leaves, statuses and phases each sum to the total", () => {
    fc.assert(
      fc.property(fc.array(call, { maxLength: 40 }), (calls) => {
        const ledger = ledgerOf(calls);
        const told = sum(calls.map(({ count }) => count));
        const { seamcalls, statuses } = ledger.totals();
        expect(seamcalls.total).toBe(told);
        expect(sum(Object.values(seamcalls.byLeaf))).toBe(told);
        expect(sum(Object.values(statuses))).toBe(told);
        for (const phase of ledger.phases()) {
          expect(sum(Object.values(phase.seamcalls.byLeaf))).toBe(phase.seamcalls.total);
          expect(sum(Object.values(phase.statuses))).toBe(phase.seamcalls.total);
          const failed = sum(phase.failedCalls.map(({ count }) => count));
          expect(failed + (phase.statuses["TDX_SUCCESS"] ?? 0)).toBe(phase.seamcalls.total);
        }
      }),
    );
  });

  test("a snapshot that went through JSON text gives the same ledger", () => {
    fc.assert(
      fc.property(fc.array(call, { maxLength: 40 }), fc.nat(1_000_000), (calls, clears) => {
        const ledger = ledgerOf(calls);
        ledger.phase("reclaim-private");
        ledger.hostWork("pageClears4K", clears);
        const copy = Ledger.fromJSON(JSON.parse(JSON.stringify(ledger)));
        expect(JSON.stringify(copy.phases())).toBe(JSON.stringify(ledger.phases()));
        expect(JSON.stringify(copy)).toBe(JSON.stringify(ledger));
      }),
    );
  });

  test("adding a ledger is the same as having counted both", () => {
    const calls = fc.array(call, { maxLength: 20 });
    fc.assert(
      fc.property(calls, calls, (first, second) => {
        const added = ledgerOf(first);
        added.add(ledgerOf(second));
        expect(added.phases()).toEqual(ledgerOf([...first, ...second]).phases());
      }),
    );
  });

  test("calls told one by one and told at once give the same counts", () => {
    fc.assert(
      fc.property(fc.array(call, { maxLength: 8 }), (calls) => {
        const few = calls.map((each) => ({ ...each, count: each.count % 20 }));
        const single = few.flatMap((each) => Array(each.count).fill({ ...each, count: 1 }));
        const told = few.filter(({ count }) => count > 0);
        expect(ledgerOf(single).phases()).toEqual(ledgerOf(told).phases());
      }),
    );
  });
});

test("adding leaves the current phase as it was", () => {
  const ledger = new Ledger();
  ledger.phase("remove-private");
  const other = new Ledger();
  other.phase("reclaim-sept");
  ledger.add(other);
  ledger.seamcalls(38, "TDH.MEM.TRACK", "TDX_SUCCESS", 1, -1);
  expect(ledger.phases().map(({ phase }) => phase)).toEqual(["remove-private"]);
});
