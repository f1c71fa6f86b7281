import { describe, expect, it } from "vitest";
import type { Arena } from "../../src/kvm/arena.ts";
import { initMemRegion } from "../../src/kvm/init-mem-region.ts";
import { faultIn } from "../../src/kvm/page-fault.ts";
import { injectFaults, recorded } from "../support/faulty-td.ts";
import { kvmOf, returned, vmOf } from "../support/kvm-side.ts";
import { buildOn, built, expectPristine, PAGE } from "../support/td-vm.ts";

const MIB_2 = 2 ** 21;
/** Pages that one table of the lowest level maps. */
const TABLE = 512;
const ADD = "TDH.MEM.SEPT.ADD";
const AUG = "TDH.MEM.PAGE.AUG";
const ENTER = "TDH.VP.ENTER";

/** A finalised TD that has no page yet. */
function empty(options: Parameters<typeof built>[1]) {
  const made = built("vcpus", { vcpus: 1, ...options });
  expect(made.td.finalizeVm()).toMatchObject({ ok: true });
  return made;
}

describe("faults of pages that follow each other (kvm-teardown B)", () => {
  it("add each missing table once, from the top level down, then the pages", () => {
    const { host, td } = empty({ memoryBytes: 4 * MIB_2 });
    const { sept, memory } = host.snapshot().pages;
    const calls = recorded(host);
    td.touch({ offset: 3 * PAGE, bytes: 2 * MIB_2 });
    expect(calls.map(({ leaf, rcx, count }) => [leaf, rcx, count])).toEqual([
      [ADD, 3, 1],
      [ADD, 2, 1],
      // The rest of the first table, the second one, and what lies in the third.
      [ADD, 1, 3],
      [AUG, 3 * PAGE, 2 * TABLE],
      [ENTER, expect.any(Number), 2 * TABLE],
    ]);
    expect(host.report("a")).toMatchObject({ privatePages: { "4K": 2 * TABLE }, septPages: 5 });
    const { pages } = host.snapshot();
    expect(pages.memory.next - memory.start).toBe(2 * TABLE);
    expect(pages.sept.map(({ next }, level) => next - (sept[level]?.start ?? 0))).toEqual([
      0, 3, 1, 1, 0,
    ]);
  });

  it("add a table with the first page of it that is touched, where every second one is", () => {
    const { host, td } = empty({ memoryBytes: 2 * MIB_2, layout: "alternate" });
    const { start } = host.snapshot().pages.memory;
    const calls = recorded(host);
    const touched = { level: 0, gfn: 600, leaves: 400, spacing: 2 } as const;
    expect(returned(faultIn(kvmOf(host), vmOf(host), touched))).toBeNull();
    const order = calls.filter(({ leaf }) => leaf !== ENTER).map(({ leaf, rcx }) => [leaf, rcx]);
    const augs = (from: number, to: number) =>
      Array.from({ length: (to - from) / 2 }, (_, i) => [AUG, (from + 2 * i) * PAGE]);
    expect(order).toEqual([
      [ADD, 3],
      [ADD, 2],
      [ADD, MIB_2 + 1],
      ...augs(600, 2 * TABLE),
      [ADD, 2 * MIB_2 + 1],
      ...augs(2 * TABLE, 1400),
    ]);
    expect(host.report("a")).toMatchObject({ privatePages: { "4K": 400 }, septPages: 4 });
    expect(vmOf(host).memory.leavesFrom(0, 602)).toEqual({
      level: 0,
      gfn: 602,
      pfn: start + 1,
      leaves: 1,
    });
    td.close();
    expectPristine(host);
  });

  it("of 2 MiB need no table of the lowest level, nor PAMT pages of their own", () => {
    const { host, td } = empty({ memoryBytes: 3 * MIB_2, pageSize: "2M", kernel: "dynamic-pamt" });
    const answer = td.touch({ offset: 0, bytes: 3 * MIB_2 });
    expect(answer.seamcalls.byLeaf).toMatchObject({
      [ADD]: 2,
      "TDH.PHYMEM.PAMT.ADD": 2,
      [AUG]: 3,
    });
    td.close();
    expectPristine(host);
  });
});

describe("a fault whose SEAMCALL fails (kvm-teardown B)", () => {
  const FATAL = "TDX_TD_FATAL";
  const twoTables = { memoryBytes: MIB_2 + 8 * PAGE } as const;
  /** The guest touches pages from here on; the first table maps so many of them. */
  const FROM = 3;
  const FIRST = TABLE - FROM;

  // Tables are three and, with the first page beyond the first of the lowest level, four.
  it.each([
    { leaf: ADD, k: 1, mapped: 0, tables: 0 },
    { leaf: ADD, k: 3, mapped: 0, tables: 2 },
    { leaf: ADD, k: 4, mapped: FIRST, tables: 3 },
    { leaf: AUG, k: 1, mapped: 0, tables: 3 },
    { leaf: AUG, k: FIRST, mapped: FIRST - 1, tables: 3 },
    { leaf: AUG, k: FIRST + 1, mapped: FIRST, tables: 4 },
    { leaf: AUG, k: FIRST + 2, mapped: FIRST + 1, tables: 4 },
    { leaf: ENTER, k: 1, mapped: 1, tables: 3 },
    { leaf: ENTER, k: FIRST + 1, mapped: FIRST + 1, tables: 4 },
  ])("at $leaf number $k leaves $mapped pages and $tables tables", (failure) => {
    const { leaf, k, mapped, tables } = failure;
    for (const kernel of ["v16", "dynamic-pamt"]) {
      const { host, td } = empty({ ...twoTables, kernel });
      injectFaults(host, `${leaf}:TD_FATAL@k=${k}`);
      const bytes = twoTables.memoryBytes - FROM * PAGE;
      expect(td.touch({ offset: FROM * PAGE, bytes })).toMatchObject({
        ok: false,
        errno: "EIO",
        leaf,
        reason: `${leaf} returned ${FATAL}`,
        statuses: { [FATAL]: 1 },
      });
      expect(host.report("a")).toMatchObject({ privatePages: { "4K": mapped }, septPages: tables });
      expect(vmOf(host).state.isBugged).toBe(true);
      td.close();
      expectPristine(host);
    }
  });

  it.each(["v16", "dynamic-pamt"])("at a page of 2 MiB gives back the others: %s", (kernel) => {
    const { host, td } = empty({ memoryBytes: 4 * MIB_2, pageSize: "2M", kernel });
    injectFaults(host, `${AUG}:TD_FATAL@k=3`);
    expect(td.touch({ offset: 0, bytes: 4 * MIB_2 })).toMatchObject({ ok: false });
    expect(host.report("a")).toMatchObject({ privatePages: { "2M": 2 } });
    td.close();
    expectPristine(host);
  });

  it("is -EBUSY of a busy PAGE.ADD in v6.16 only, -EIO of a busy MR.EXTEND", () => {
    const { host, td } = built("vcpus", { kernel: "v6.16" });
    injectFaults(host, "TDH.MR.EXTEND:OPERAND_BUSY|RCX@k=1");
    expect(td.initMemRegion({ gpa: 0, pages: 1 })).toMatchObject({ errno: "EIO" });
    expect(vmOf(host).state.isBugged).toBe(true);
  });
});

describe("pages of a host that has them in pieces", () => {
  /** Takes pages so that those left come in pieces of these sizes, one page apart; undoes it. */
  function scatter(arena: Arena, ...pieces: readonly number[]): () => void {
    const held: { page: number; count: number }[] = [];
    const free: { page: number; count: number }[] = [];
    for (const count of pieces) {
      free.push(arena.alloc(count) ?? expect.unreachable());
      held.push(arena.alloc(1) ?? expect.unreachable());
    }
    for (let rest = arena.alloc(2 ** 40); rest !== null; rest = arena.alloc(2 ** 40)) {
      held.push(rest);
    }
    for (const { page, count } of free) arena.free(page, count);
    return () => {
      for (const { page, count } of held) arena.free(page, count);
    };
  }

  it.each([
    { spacing: 1, tables: 2 + 4 },
    { spacing: 2, tables: 2 + 8 },
  ])("are mapped piece by piece, tables and memory, $spacing apart", ({ spacing, tables }) => {
    const { host, td } = empty({ memoryBytes: 4 * MIB_2 });
    const kvm = kvmOf(host);
    const { pages } = kvm;
    const undo = [
      scatter(pages.septOf(1), 1, 2, 3, 2),
      scatter(pages.memory, 3, 700, 1, 2 * TABLE, TABLE),
    ];
    const touched = { level: 0, gfn: 6, leaves: 4 * TABLE - 9, spacing } as const;
    expect(returned(faultIn(kvm, vmOf(host), touched))).toBeNull();
    expect(host.report("a")).toMatchObject({
      privatePages: { "4K": 4 * TABLE - 9 },
      septPages: tables,
    });
    for (const each of undo) each();
    expect(td.close()).toMatchObject({ ok: true });
    expectPristine(host);
  });

  it("that run out refuse the rest with -ENOMEM and keep what was mapped", () => {
    const { host, td } = empty({ memoryBytes: 4 * MIB_2 });
    const undo = scatter(kvmOf(host).pages.septOf(1), 1, 1);
    expect(td.touch({ offset: 0, bytes: 4 * MIB_2 })).toMatchObject({
      ok: false,
      errno: "ENOMEM",
      reason: "no host pages for Secure EPT",
    });
    expect(host.report("a")).toMatchObject({ privatePages: { "4K": 2 * TABLE }, septPages: 4 });
    expect(vmOf(host).state.isBugged).toBe(false);
    undo();
    expect(td.touch({ offset: 0, bytes: 4 * MIB_2 })).toMatchObject({ ok: true });
    td.close();
    expectPristine(host);
  });
});

describe("an initial image (kvm-teardown A.2)", () => {
  it("is added and measured page by page, its table before it", () => {
    const { host } = built("vcpus");
    const calls = recorded(host);
    const kvm = kvmOf(host, { spanLimit: 1 });
    expect(returned(initMemRegion(kvm, vmOf(host), TABLE - 1, 2))).toBeNull();
    const extend = (page: number) =>
      Array.from({ length: 16 }, (_, i) => ["TDH.MR.EXTEND", page * PAGE + i * 256]);
    expect(calls.map(({ leaf, rcx }) => [leaf, rcx])).toEqual([
      [ADD, 3],
      [ADD, 2],
      [ADD, 1],
      ["TDH.MEM.PAGE.ADD", (TABLE - 1) * PAGE],
      ...extend(TABLE - 1),
      [ADD, MIB_2 + 1],
      ["TDH.MEM.PAGE.ADD", MIB_2],
      ...extend(TABLE),
    ]);
  });

  it("of another TD takes other pages", () => {
    const { host } = built("image");
    buildOn(host, "b", "image");
    const [first, second] = ["a", "b"].map((name) => vmOf(host, name).memory.leavesFrom(0)?.pfn);
    expect(second).toBe((first ?? 0) + 2);
  });
});
