import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { vpExit } from "../../src/module/guest.ts";
import { tdAccept } from "../../src/module/guest-accept.ts";
import type { Leaf, Span } from "../../src/module/leaf.ts";
import { tdhMemPageAdd } from "../../src/module/leaves/tdh-mem-page-add.ts";
import { tdhMemPageAug } from "../../src/module/leaves/tdh-mem-page-aug.ts";
import { tdhMemPageRemove } from "../../src/module/leaves/tdh-mem-page-remove.ts";
import { tdhMemRangeBlock } from "../../src/module/leaves/tdh-mem-range-block.ts";
import { tdhMemSeptAdd } from "../../src/module/leaves/tdh-mem-sept-add.ts";
import { tdhMemTrack } from "../../src/module/leaves/tdh-mem-track.ts";
import { tdhMrExtend } from "../../src/module/leaves/tdh-mr-extend.ts";
import { tdhPhymemPageReclaim } from "../../src/module/leaves/tdh-phymem-page-reclaim.ts";
import { tdhPhymemPageWbinvd } from "../../src/module/leaves/tdh-phymem-page-wbinvd.ts";
import { tdhVpEnter } from "../../src/module/leaves/tdh-vp-enter.ts";
import { R8, R9, RAX, RCX, RDX, Registers } from "../../src/module/registers.ts";
import { SUCCESS } from "../../src/module/status.ts";
import { TestHost, TestTd } from "../support/module.ts";

const GPA = 2 ** 30;
const PAGE = 4096;
const MIB_2 = 512 * PAGE;
/** Guest pages that operations fall on: the first tables of GPA, some of them missing. */
const WINDOW = 5 * 512;
/** Host pages that they draw from, few enough to collide. */
const HOST_WINDOW = 6 * 512;

/** One SEAMCALL of a body: operands of iteration 0 and how they advance. */
interface Call {
  readonly leaf: Leaf;
  readonly rcx: number;
  readonly rdx?: number;
  readonly r8?: number;
  readonly span: Span;
  /** Calls an iteration, RCX advancing by the stride between any two. */
  readonly times?: number;
}

interface Body {
  readonly calls: readonly Call[];
  /** What the guest does at the end of each iteration. */
  guest?(host: TestHost, iteration: number, count: number): void;
}

function load(r: Registers, call: Call, iteration: number, time = 0): void {
  r.setNumber(RAX, call.leaf.number);
  const calls = iteration * (call.times ?? 1) + time;
  r.setNumber(RCX, call.rcx + calls * call.span.rcxStride);
  r.setNumber(RDX, call.rdx ?? 0);
  r.setNumber(R8, (call.r8 ?? 0) + iteration * call.span.r8Stride);
  r.setNumber(R9, 0x1000);
}

/** Iterations from `from` on that all calls of the body find uniform. */
function uniform(host: TestHost, body: Body, from: number, most: number): number {
  const r = new Registers();
  return body.calls.reduce((reach, call) => {
    load(r, call, from);
    const times = call.times ?? 1;
    const reached = call.leaf.reach?.(host.module, r, reach * times, call.span) ?? 1;
    return Math.max(1, Math.min(reach, Math.floor(reached / times)));
  }, most);
}

/** Executes the body up to `count` times, in spans of at most `limit`; says how it ended. */
function run(host: TestHost, body: Body, count: number, limit: number): string {
  const r = new Registers();
  for (let done = 0; done < count; ) {
    const span = uniform(host, body, done, Math.min(limit, count - done));
    for (const [at, call] of body.calls.entries()) {
      const times = call.times ?? 1;
      for (let time = 0; time < (span > 1 ? 1 : times); time++) {
        load(r, call, done, time);
        const status = host.module.seamcall(0, r, span > 1 ? span * times : 1);
        if (status === SUCCESS) continue;
        expect(span, `${call.leaf.name} ${status.text} in a span`).toBe(1);
        return `${done} ${at} ${status.text}`;
      }
    }
    body.guest?.(host, done, span);
    done += span;
  }
  return `${count}`;
}

interface Operation {
  readonly kind: "tables" | "add" | "aug" | "populate" | "remove";
  readonly level: 0 | 1;
  readonly page: number;
  readonly hostPage: number;
  readonly count: number;
}

const operation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.constantFrom("tables", "add", "aug", "populate", "remove", "remove"),
  level: fc.constantFrom<0 | 1>(0, 0, 0, 1),
  page: fc.nat(WINDOW - 1),
  hostPage: fc.nat(HOST_WINDOW - 1),
  count: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 1200 })),
});

/** The operation as KVM would carry it out on this TD. */
function bodyOf(td: TestTd, memory: number, tables: number, o: Operation): Body {
  const pages = o.level === 0 ? 1 : 512;
  const size = pages * PAGE;
  const first = Math.floor(o.page / pages) * pages;
  const rcx = GPA + first * PAGE + o.level;
  const r8 = memory + Math.floor(o.hostPage / pages) * size;
  const rdx = td.tdr;
  const entries: Span = { rcxStride: size, r8Stride: size, addedLevels: 0 };
  const none: Span = { rcxStride: 0, r8Stride: 0, addedLevels: 0 };
  switch (o.kind) {
    case "tables": {
      const span = { rcxStride: MIB_2, r8Stride: PAGE, addedLevels: 0 };
      const table = Math.floor(o.page / 512);
      const at = { rcx: GPA + table * MIB_2 + 1, r8: tables + o.hostPage * PAGE };
      return { calls: [{ leaf: tdhMemSeptAdd, rdx, span, ...at }] };
    }
    case "add": {
      const pageSpan = { rcxStride: PAGE, r8Stride: PAGE, addedLevels: 0 };
      const chunks = { rcxStride: 256, r8Stride: 0, addedLevels: 1 };
      const at = GPA + o.page * PAGE;
      return {
        calls: [
          { leaf: tdhMemPageAdd, rcx: at, rdx, r8: memory + o.hostPage * PAGE, span: pageSpan },
          { leaf: tdhMrExtend, rcx: at, rdx, span: chunks, times: 16 },
        ],
      };
    }
    case "aug":
      return { calls: [{ leaf: tdhMemPageAug, rcx, rdx, r8, span: entries }] };
    case "populate":
      return {
        calls: [
          { leaf: tdhMemPageAug, rcx, rdx, r8, span: entries },
          { leaf: tdhVpEnter, rcx: td.tdvpr[0] as number, span: none },
        ],
        guest(host, iteration, count) {
          const r = new Registers();
          r.setNumber(RCX, rcx + iteration * size);
          expect(tdAccept(host.module, 0, r, count)).toBe(SUCCESS);
          vpExit(host.module, 0);
        },
      };
    case "remove": {
      const runs = td.state.sept?.levels[o.level];
      const index = (rcx - o.level) / size;
      const mapped = runs !== undefined && runs.seek(index) > 3 ? runs.baseAt(index) * PAGE : r8;
      const lines = { rcxStride: PAGE, r8Stride: 0, addedLevels: 0 };
      return {
        calls: [
          { leaf: tdhMemRangeBlock, rcx, rdx, span: entries },
          { leaf: tdhMemTrack, rcx: rdx, span: none },
          { leaf: tdhMemPageRemove, rcx, rdx, span: entries },
          { leaf: tdhPhymemPageWbinvd, rcx: mapped, span: lines, times: pages },
        ],
      };
    }
  }
}

/** A TD of the given stage with some of its tables, and where its pages are taken from. */
function built(stage: "INITIALIZED" | "RUNNABLE") {
  const host = new TestHost();
  const td = new TestTd(host, { stage });
  td.addTables(GPA);
  td.addTables(GPA + 2 * MIB_2);
  const memory = host.memory(HOST_WINDOW * PAGE);
  return { host, td, memory: Math.ceil(memory / MIB_2) * MIB_2, tables: host.memory() };
}

/** All that a SEAMCALL could tell of later. */
function stateOf({ host, td }: { host: TestHost; td: TestTd }): string {
  const { sept, chldcnt, tdcs, lifecycle } = td.state;
  const { tdEpoch, refcount, opState } = tdcs;
  return JSON.stringify([host.module.pamt, sept, chldcnt, lifecycle, tdEpoch, refcount, opState]);
}

describe("a span of calls", () => {
  it.each([
    ["RUNNABLE", 7],
    ["RUNNABLE", Number.POSITIVE_INFINITY],
    ["INITIALIZED", 7],
    ["INITIALIZED", Number.POSITIVE_INFINITY],
  ] as const)("ends as single calls do (%s, at most %d calls)", (stage, limit) => {
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 8 }), (operations) => {
        const single = built(stage);
        const spanned = built(stage);
        for (const o of operations) {
          const ends = [single, spanned].map((tested, i) => {
            const body = bodyOf(tested.td, tested.memory, tested.tables, o);
            return run(tested.host, body, o.count, i === 0 ? 1 : limit);
          });
          expect(ends[1]).toBe(ends[0]);
          expect(stateOf(spanned)).toBe(stateOf(single));
        }
      }),
      { numRuns: 40 },
    );
  });

  it("of RECLAIM ends as single calls do", () => {
    const reclaim = fc.record({
      level: fc.constantFrom<0 | 1>(0, 1),
      hostPage: fc.nat(HOST_WINDOW - 1),
      count: fc.integer({ min: 1, max: 1200 }),
    });
    const cases = fc.tuple(
      fc.array(operation, { maxLength: 5 }),
      fc.array(reclaim, { minLength: 1, maxLength: 6 }),
    );
    fc.assert(
      fc.property(cases, ([operations, reclaims]) => {
        const single = built("RUNNABLE");
        const spanned = built("RUNNABLE");
        for (const tested of [single, spanned]) {
          for (const o of operations) {
            const body = bodyOf(tested.td, tested.memory, tested.tables, o);
            run(tested.host, body, o.count, Number.POSITIVE_INFINITY);
          }
          releaseHkid(tested.host, tested.td);
        }
        for (const { level, hostPage, count } of reclaims) {
          const ends = [single, spanned].map(({ host, memory }, i) => {
            const size = level === 0 ? PAGE : MIB_2;
            const rcx = memory + Math.floor((hostPage * PAGE) / size) * size;
            const span = { rcxStride: size, r8Stride: 0, addedLevels: 0 };
            const body = { calls: [{ leaf: tdhPhymemPageReclaim, rcx, span }] };
            return run(host, body, count, i === 0 ? 1 : Number.POSITIVE_INFINITY);
          });
          expect(ends[1]).toBe(ends[0]);
          expect(stateOf(spanned)).toBe(stateOf(single));
        }
      }),
      { numRuns: 40 },
    );
  });

  it("covers what is uniform at once", () => {
    const { host, td, memory, tables } = built("RUNNABLE");
    const common = { page: 0, hostPage: 0, count: 4 * 512 } as const;
    for (const table of [1, 3]) td.addTables(GPA + table * MIB_2);
    const populate = bodyOf(td, memory, tables, { ...common, kind: "populate", level: 0 });
    expect(uniform(host, populate, 0, 2048)).toBe(2048);
    run(host, populate, 2048, 2048);
    const removal = bodyOf(td, memory, tables, { ...common, kind: "remove", level: 0 });
    expect(uniform(host, removal, 0, 5000)).toBe(2048);
  });
});

/** Up to TD_TEARDOWN (ABI 8, Teardown). */
function releaseHkid(host: TestHost, td: TestTd): void {
  host.must("TDH.VP.FLUSH", { rcx: td.tdvpr[0] as number });
  host.must("TDH.MNG.VPFLUSHDONE", { rcx: td.tdr });
  for (const lp of [0, 1]) host.must("TDH.PHYMEM.CACHE.WB", {}, { lp });
  host.must("TDH.MNG.KEY.FREEID", { rcx: td.tdr });
}
