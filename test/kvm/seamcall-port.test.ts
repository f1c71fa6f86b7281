import { describe, expect, it } from "vitest";
import { type BodyStep, hostWork, takes } from "../../src/kvm/body.ts";
import type { SeamcallInterposer } from "../../src/kvm/seamcall-interposer.ts";
import { Status } from "../../src/module/status.ts";
import {
  failingAt,
  onPages,
  ScriptedModule,
  succeeding,
  testLeaf,
  uniformLeaf,
} from "../support/scripted-module.ts";

const PAGE = 4096;
const INVALID = Status.of("TDX_OPERAND_INVALID", "RCX");

describe("iterations that every leaf of a body finds uniform", () => {
  const body = [
    onPages(uniformLeaf(5)),
    hostWork("pageClears4K", 2),
    onPages(uniformLeaf(6)),
  ] as const;

  it("are one call of each leaf, told as what they stand for", () => {
    const module = new ScriptedModule(succeeding);
    expect(module.run(body, 1000)).toMatchObject({ done: 1000, failure: null });
    expect(module.calls).toEqual([
      { leaf: 5, lp: 0, rcx: 0, count: 1000 },
      { leaf: 6, lp: 0, rcx: 0, count: 1000 },
    ]);
    expect(module.told).toEqual(["5 TDX_SUCCESS 1000", "pageClears4K 2000", "6 TDX_SUCCESS 1000"]);
  });

  it("are no more than the limit at once, and no more than were asked for", () => {
    const module = new ScriptedModule(succeeding, { spanLimit: 400 });
    module.run([onPages(uniformLeaf(5))], 1000);
    expect(module.calls.map(({ rcx, count }) => [rcx / PAGE, count])).toEqual([
      [0, 400],
      [400, 400],
      [800, 200],
    ]);
  });

  it("are as many as the leaf that finds fewest says", () => {
    const module = new ScriptedModule(succeeding);
    const upTo600 = testLeaf(6, (rcx, most) => Math.min(most, Math.max(1, 600 - rcx / PAGE)));
    module.run([onPages(uniformLeaf(5)), onPages(upTo600)], 601);
    expect(module.calls.map(({ leaf, count }) => [leaf, count])).toEqual([
      [5, 600],
      [6, 600],
      [5, 1],
      [6, 1],
    ]);
  });

  it("each made on an LP of its own are told one after the other", () => {
    const module = new ScriptedModule(succeeding);
    const flush = takes({ leaf: uniformLeaf(18), lp: 4, lpStride: 1, rcxStride: PAGE });
    module.run([hostWork("ipis", 1), flush], 3);
    expect(module.calls).toEqual([{ leaf: 18, lp: 4, rcx: 0, count: 3 }]);
    const turn = ["ipis 1", "18 TDX_SUCCESS 1"];
    expect(module.told).toEqual([...turn, ...turn, ...turn]);
  });

  it("each made on an LP of its own go there one by one where nothing is uniform", () => {
    const module = new ScriptedModule(succeeding);
    module.run([takes({ leaf: testLeaf(18), lp: 4, lpStride: 2, rcxStride: PAGE })], 3);
    expect(module.calls.map(({ lp }) => lp)).toEqual([4, 6, 8]);
    expect(module.told).toEqual(Array(3).fill("18 TDX_SUCCESS 1"));
  });

  it("that fail all the same are a mistake of the emulator", () => {
    const module = new ScriptedModule(() => INVALID);
    const steps = [onPages(uniformLeaf(5))];
    const message = "LEAF.5 ended a uniform span with TDX_OPERAND_INVALID|RCX";
    expect(() => module.run(steps, 2)).toThrow(message);
  });

  it("leave a step out that none of them is due for", () => {
    const module = new ScriptedModule(succeeding, { spanLimit: 4 });
    const table = takes({ leaf: uniformLeaf(3), lp: 0, every: 8, rcxStride: 1 });
    module.run([table, onPages(uniformLeaf(5))], 12);
    expect(module.calls.map(({ leaf, rcx, count }) => [leaf, rcx, count])).toEqual([
      [3, 0, 1],
      [5, 0, 4],
      [5, 4 * PAGE, 4],
      [3, 1, 1],
      [5, 8 * PAGE, 4],
    ]);
    expect(module.told.filter((line) => line.startsWith("3"))).toHaveLength(2);
  });
});

describe("iterations that are not uniform", () => {
  it("go call by call in the order of the body", () => {
    const module = new ScriptedModule(succeeding);
    module.run([onPages(), onPages(testLeaf(6))], 3);
    expect(module.calls.map(({ leaf, rcx }) => [leaf, rcx / PAGE])).toEqual([
      [5, 0],
      [6, 0],
      [5, 1],
      [6, 1],
      [5, 2],
      [6, 2],
    ]);
  });

  it("are asked for less often the longer none is", () => {
    let asked = 0;
    const never = testLeaf(5, () => {
      asked++;
      return 1;
    });
    new ScriptedModule(succeeding).run([onPages(never)], 10_000);
    // After 1, 2, 4 ... 4096 iterations, and then after 4096 each.
    expect(asked).toBe(14);
  });

  it("are asked for at once after a span", () => {
    const reach = (rcx: number, most: number) => (rcx % (10 * PAGE) === 0 ? Math.min(9, most) : 1);
    const module = new ScriptedModule(succeeding);
    module.run([onPages(testLeaf(5, reach))], 30);
    expect(module.calls.map(({ count }) => count)).toEqual([9, 1, 9, 1, 9, 1]);
  });

  it("are not asked for where single calls are wanted, and told every 4096 iterations", () => {
    const never = testLeaf(5, () => expect.unreachable());
    const module = new ScriptedModule(succeeding, { spanLimit: 1 });
    module.run([onPages(never), hostWork("pageClears4K", 2)], 5000);
    expect(module.told).toEqual([
      "5 TDX_SUCCESS 4096",
      "pageClears4K 8192",
      "5 TDX_SUCCESS 904",
      "pageClears4K 1808",
    ]);
  });
});

describe("a call that fails for good", () => {
  const body: readonly BodyStep[] = [
    onPages(),
    hostWork("pageClears4K", 1),
    takes({ leaf: testLeaf(6), lp: 0, times: 3 }),
    onPages(testLeaf(7)),
  ];

  it.each([
    ["in single calls", {}],
    ["with a turn of the driver after each", { callsPerTurn: 1 }],
    ["in an order without spans", { spanLimit: 1 }],
  ])("ends the body where it stands, %s", (_, options) => {
    // The second call of step 2 in the third iteration.
    const module = new ScriptedModule(failingAt(INVALID, 2 * 5 + 3), options);
    const progress = module.run(body, 10);
    expect(progress.done).toBe(2);
    expect(progress.failure).toMatchObject({ step: 2, time: 1, status: INVALID });
    expect(progress.failure?.leaf.name).toBe("LEAF.6");
    expect(progress).toMatchObject({ over: 3, stepsDone: 2, position: { step: 0, time: 0 } });
    expect(module.calls).toHaveLength(13);
    const sums: Record<string, number> = {};
    for (const line of module.told) {
      const [, what = "", count] = /^(.*) (\d+)$/.exec(line) ?? [];
      sums[what] = (sums[what] ?? 0) + Number(count);
    }
    expect(sums).toEqual({
      "5 TDX_SUCCESS": 3,
      pageClears4K: 3,
      "6 TDX_SUCCESS": 7,
      "6 TDX_OPERAND_INVALID|RCX": 1,
      "7 TDX_SUCCESS": 2,
    });
  });
});

describe("calls of one execution on consecutive pages", () => {
  const sixteen = (reach?: (rcx: number, most: number) => number): readonly BodyStep[] => [
    onPages(),
    takes({ leaf: testLeaf(16, reach), lp: 0, times: 16, innerStride: 256, rcxStride: PAGE }),
  ];
  const calls = (module: ScriptedModule) =>
    module.calls.filter(({ leaf }) => leaf === 16).map(({ rcx, count }) => [rcx, count]);
  const singly = Array.from({ length: 32 }, (_, i) => [i * 256, 1]);
  const uniform = (_: number, most: number): number => most;

  it("are one call where they are uniform, also where the body is not", () => {
    const module = new ScriptedModule(succeeding);
    module.run(sixteen(uniform), 2);
    expect(calls(module)).toEqual([
      [0, 16],
      [PAGE, 16],
    ]);
  });

  it("are one call up to the limit of a span", () => {
    const module = new ScriptedModule(succeeding, { spanLimit: 16 });
    module.run(sixteen(uniform), 2);
    expect(calls(module)).toHaveLength(2);
  });

  it.each([
    ["that do not reach to their end", () => 15, {}],
    ["of a leaf that cannot say", undefined, {}],
    ["more than a span may have", uniform, { spanLimit: 15 }],
  ])("%s are made one by one", (_, reach, options) => {
    const module = new ScriptedModule(succeeding, options);
    expect(module.run(sixteen(reach), 2).done).toBe(2);
    expect(calls(module)).toEqual(singly);
  });

  it("that might be made to fail are made one by one", () => {
    const module: ScriptedModule = new ScriptedModule(succeeding, {
      interposer: passingOn(() => module),
    });
    expect(module.run(sixteen(uniform), 2).done).toBe(2);
    expect(calls(module)).toEqual(singly);
  });

  it("that fail as a span are a mistake of the emulator", () => {
    const module = new ScriptedModule(failingAt(INVALID, 2));
    const message = "LEAF.16 ended a uniform span with TDX_OPERAND_INVALID|RCX";
    expect(() => module.run(sixteen(uniform), 2)).toThrow(message);
  });
});

/** An interposer that hands every call on, and promises nothing. */
function passingOn(module: () => ScriptedModule): SeamcallInterposer {
  return {
    seamcall: (lp, registers, count) => module().port.module.seamcall(lp, registers, count),
    untouchedCalls: () => 0,
    untouchedOperands: () => 0,
  };
}
