import { describe, expect, it } from "vitest";
import { executionAt, executionsBefore, type SeamcallPlan, takes } from "../../src/kvm/body.ts";
import { type SeamcallInterposer, untouchedIterations } from "../../src/kvm/seamcall-interposer.ts";
import { loadOperands } from "../../src/kvm/step-operands.ts";
import { uniformReach } from "../../src/kvm/uniform-reach.ts";
import type { Leaf, Span } from "../../src/module/leaf.ts";
import type { TdxModule } from "../../src/module/module.ts";
import { R8, R9, RAX, RCX, RDX, Registers } from "../../src/module/registers.ts";
import { testLeaf, uniformLeaf } from "../support/scripted-module.ts";

const PAGE = 4096;
const HIGH = 0xabcd_0000_0000_0001n;

const LEAF = testLeaf(5);
const step = (plan: Omit<SeamcallPlan, "leaf" | "lp">) => takes({ leaf: LEAF, lp: 0, ...plan });

/** Registers of one call, those before it full of something else. */
function operandsOf(plan: Omit<SeamcallPlan, "leaf" | "lp">, execution = 0, time = 0) {
  const r = new Registers();
  for (const register of [RAX, RCX, RDX]) r.set(register, 0xfff0_0000_0000_0000n);
  loadOperands(r, step(plan), execution, time);
  return { rax: r.get(RAX), rcx: r.get(RCX), rdx: r.get(RDX), r8: r.get(R8), r9: r.get(R9) };
}

describe("operands of a SEAMCALL", () => {
  const none = { rax: 5n, rcx: 0n, rdx: 0n, r8: 0n, r9: 0n };

  it("are 0 where KVM gives none, and RAX is the leaf's number", () => {
    expect(operandsOf({})).toEqual(none);
  });

  it.each(["rcx", "rdx", "r8", "r9"] as const)("may have all 64 bits in %s", (register) => {
    expect(operandsOf({ [register]: HIGH })).toEqual({ ...none, [register]: HIGH });
    expect(operandsOf({ [register]: 7 })).toEqual({ ...none, [register]: 7n });
  });

  it("advance from one execution to the next, RCX within one too", () => {
    const plan = { rcx: PAGE, rcxStride: 0x100, innerStride: 0x10, r8: 1, r8Stride: 2, times: 4 };
    expect(operandsOf(plan, 3, 2)).toEqual({ ...none, rcx: 0x1320n, r8: 7n });
  });

  it("are for a page of no size unless KVM says which", () => {
    expect(step({}).pageSize).toBe(-1);
    expect(step({ pageSize: 0 }).pageSize).toBe(0);
  });
});

describe("a step that is due once a table", () => {
  const combinations = [1, 2, 3, 5].flatMap((every) =>
    Array.from({ length: every }, (_, offset) => ({ every, offset })),
  );

  it.each(combinations)("of $every pages, from page $offset of it on", ({ every, offset }) => {
    const sparse = step({ every, offset });
    let before = 0;
    for (let iteration = 0; iteration < 3 * every + 2; iteration++) {
      expect(executionsBefore(sparse, iteration)).toBe(before);
      const isDue = iteration === 0 || (offset + iteration) % every === 0;
      expect(executionAt(sparse, iteration)).toBe(isDue ? before : -1);
      if (isDue) before++;
    }
  });
});

/** What `reach` of a leaf was asked, in turn. */
interface Asked {
  readonly rcx: number;
  readonly most: number;
  readonly span: Span;
  readonly lp: number | undefined;
}

function asking(reached: number): { leaf: Leaf; asked: Asked[] } {
  const asked: Asked[] = [];
  const leaf: Leaf = {
    ...testLeaf(5),
    reach(_, r, most, span, lp) {
      asked.push({ rcx: r.low[RCX] as number, most, span, lp });
      return Math.min(reached, most);
    },
  };
  return { leaf, asked };
}

describe("iterations over which a step is uniform", () => {
  const NO_MODULE = {} as TdxModule;
  const EXTEND = { times: 16, innerStride: 256, rcxStride: PAGE };

  function reachOf(plan: Omit<SeamcallPlan, "leaf" | "lp">, reached: number, from = 0, most = 100) {
    const { leaf, asked } = asking(reached);
    const sought = takes({ leaf, lp: 0, ...plan });
    return { reach: uniformReach(NO_MODULE, new Registers(), sought, from, most), asked };
  }

  it("are those that the leaf says, from the next operand on", () => {
    const { reach, asked } = reachOf(
      { rcxStride: PAGE, r8: 0, r8Stride: 3, addedLevels: 6 },
      7,
      10,
    );
    expect(reach).toBe(7);
    const span = { rcxStride: PAGE, r8Stride: 3, addedLevels: 6 };
    expect(asked).toMatchObject([{ rcx: 10 * PAGE, most: 100, span }]);
  });

  it("are no more than were asked for, and one at least", () => {
    expect(reachOf({}, 1000).reach).toBe(100);
    expect(reachOf({}, 0).reach).toBe(1);
  });

  it("are one where the leaf cannot say", () => {
    const sought = takes({ leaf: testLeaf(5), lp: 0 });
    expect(uniformReach(NO_MODULE, new Registers(), sought, 0, 100)).toBe(1);
  });

  it("are asked for on the LP of the first of them, with strides of RDX, LP and rows", () => {
    const moving = { lpStride: 1, rdxStride: 7, isOfNewVcpu: true };
    const { asked } = reachOf({ ...EXTEND, ...moving }, 1000, 3);
    const span = { ...moving, rowCalls: 16, rowStride: PAGE };
    expect(asked).toMatchObject([{ lp: 3, span }]);
  });

  it("jump where the leaf takes rows", () => {
    const { leaf } = asking(64);
    const sought = takes({ leaf: { ...leaf, spansRows: true }, lp: 0, ...EXTEND, rcxStride: 99 });
    expect(uniformReach(NO_MODULE, new Registers(), sought, 0, 100)).toBe(4);
  });

  it("are whole executions of a step with several calls", () => {
    const { reach, asked } = reachOf(EXTEND, 50);
    expect(reach).toBe(3);
    const span = { rcxStride: 256, r8Stride: 0, addedLevels: 0 };
    expect(asked).toMatchObject([{ rcx: 0, most: 1600, span }]);
    expect(reachOf(EXTEND, 15).reach).toBe(1);
  });

  it("are one where the calls of an execution and of the next have another stride", () => {
    const { reach, asked } = reachOf({ ...EXTEND, rcxStride: 2 * PAGE }, 1000);
    expect(reach).toBe(1);
    expect(asked).toEqual([]);
  });

  it("of a step that is not due in any of them are all of them", () => {
    const { reach, asked } = reachOf({ every: 512 }, 0, 1, 100);
    expect(reach).toBe(100);
    expect(asked).toEqual([]);
  });

  it.each([
    // Due at 0, 5, 13, 21: from page 3 of a table of 8.
    { from: 0, reached: 2, expected: 13 },
    { from: 0, reached: 1, expected: 5 },
    { from: 1, reached: 1, expected: 12 },
    { from: 1, reached: 0, expected: 4 },
    { from: 5, reached: 0, expected: 1 },
    { from: 0, reached: 3, expected: 20 },
  ])("end before the first table that differs: $from, $reached", ({ from, reached, expected }) => {
    const { reach } = reachOf({ every: 8, offset: 3, rcxStride: 1 }, reached, from, 20);
    expect(reach).toBe(expected);
  });
});

describe("iterations without a call that may be made to fail", () => {
  /** Fails call number `call` of leaf 5 and those with RCX `operand`; counted from 0. */
  function failing(call: number, operand = -1): SeamcallInterposer {
    return {
      seamcall: () => expect.unreachable(),
      untouchedCalls: (leaf) => (leaf.number === 5 ? call : Number.POSITIVE_INFINITY),
      untouchedOperands(_, rcx, stride, most) {
        for (let made = 0; made < most; made++) if (rcx + made * stride === operand) return made;
        return most;
      },
    };
  }

  it("are as many as the calls of a leaf allow, whichever step makes them", () => {
    const body = [step({}), takes({ leaf: uniformLeaf(6), lp: 0 }), step({})];
    expect(untouchedIterations(failing(7), body, 0, 100)).toBe(3);
    expect(untouchedIterations(failing(8), body, 0, 100)).toBe(4);
    expect(untouchedIterations(failing(200), body, 0, 100)).toBe(100);
    expect(untouchedIterations(failing(199), body, 0, 100)).toBe(99);
  });

  it("are one where the next call may fail: it is made by itself", () => {
    expect(untouchedIterations(failing(0), [step({})], 0, 100)).toBe(1);
  });

  it.each([1, 2, 3])("count the calls of an execution and those due: every %i", (every) => {
    for (const times of [1, 3]) {
      const body = [step({ every, times, offset: every - 1 })];
      for (let from = 0; from < 4; from++) {
        for (let call = 0; call < 12; call++) {
          let calls = 0;
          let fits = 0;
          while (fits < 20) {
            if (executionAt(body[0] ?? expect.unreachable(), from + fits) >= 0) calls += times;
            if (calls > call) break;
            fits++;
          }
          const found = untouchedIterations(failing(call), body, from, 20);
          expect(found, `from ${from}, call ${call}`).toBe(Math.max(1, fits));
        }
      }
    }
  });

  it("end before the operand that is to fail", () => {
    const pages = [step({ rcx: 5 * PAGE, rcxStride: PAGE })];
    const never = Number.POSITIVE_INFINITY;
    expect(untouchedIterations(failing(never, 25 * PAGE), pages, 0, 100)).toBe(20);
    expect(untouchedIterations(failing(never, 25 * PAGE), pages, 10, 100)).toBe(10);
    expect(untouchedIterations(failing(never, 25 * PAGE), pages, 30, 100)).toBe(100);
    expect(untouchedIterations(failing(never, 25 * PAGE), pages, 0, 20)).toBe(20);
  });

  it("end before the row that a call with that operand is part of, or that lies beside it", () => {
    // Five pages of six an iteration, as the TDVPX pages of vCPUs.
    const row = [step({ rcx: PAGE, times: 5, innerStride: PAGE, rcxStride: 6 * PAGE })];
    const never = Number.POSITIVE_INFINITY;
    expect(untouchedIterations(failing(never, 21 * PAGE), row, 0, 100)).toBe(3);
    expect(untouchedIterations(failing(never, 24 * PAGE), row, 0, 100)).toBe(3);
    expect(untouchedIterations(failing(never, 25 * PAGE), row, 0, 100)).toBe(4);
    expect(untouchedIterations(failing(never, 25 * PAGE), row, 2, 100)).toBe(2);
    expect(untouchedIterations(failing(never, 601 * PAGE), row, 0, 100)).toBe(100);
  });

  it("end before the execution that a call with that operand is part of", () => {
    const extend = [step({ times: 16, innerStride: 256, rcxStride: PAGE })];
    const never = Number.POSITIVE_INFINITY;
    expect(untouchedIterations(failing(never, 3 * PAGE + 512), extend, 0, 100)).toBe(3);
    expect(untouchedIterations(failing(never, 3 * PAGE + 511), extend, 0, 100)).toBe(100);
  });
});
