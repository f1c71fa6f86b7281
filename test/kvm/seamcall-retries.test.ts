import { describe, expect, it } from "vitest";
import { hostWork, takes } from "../../src/kvm/body.ts";
import { BodyProgress } from "../../src/kvm/body-progress.ts";
import { SPIN_LIMIT } from "../../src/kvm/livelock.ts";
import { Status, SUCCESS } from "../../src/module/status.ts";
import {
  failingAt,
  onPages,
  ScriptedModule,
  succeeding,
  testLeaf,
  uniformLeaf,
} from "../support/scripted-module.ts";

const PAGE = 4096;
const BUSY = Status.of("TDX_OPERAND_BUSY", "RCX");
const INVALID = Status.of("TDX_OPERAND_INVALID", "RCX");

describe("a call that KVM makes again", () => {
  const step = (tries: number, beforeRetry?: () => void) =>
    takes({
      leaf: testLeaf(5),
      lp: 3,
      rcx: PAGE,
      retries: {
        retryOn: ["TDX_OPERAND_BUSY|RCX", "TDX_RND_NO_ENTROPY"],
        tries,
        ...(beforeRetry && { beforeRetry }),
      },
    });

  it("is told each time, with the same operands", () => {
    const module = new ScriptedModule(failingAt(BUSY, 1, 2));
    expect(module.run([step(3)], 1)).toMatchObject({ done: 1, failure: null });
    expect(module.told).toEqual([
      "5 TDX_OPERAND_BUSY|RCX 1",
      "5 TDX_OPERAND_BUSY|RCX 1",
      "5 TDX_SUCCESS 1",
    ]);
    expect(module.calls).toEqual(Array(3).fill({ leaf: 5, lp: 3, rcx: PAGE, count: 1 }));
  });

  it("is made no more often than KVM tries", () => {
    const module = new ScriptedModule(() => BUSY);
    expect(module.run([step(3)], 1).failure).toMatchObject({ step: 0, time: 0, status: BUSY });
    expect(module.calls).toHaveLength(3);
  });

  it.each([
    ["status with this operand", BUSY, 2],
    ["status with another operand", Status.of("TDX_OPERAND_BUSY", "TDR"), 1],
    ["name with any operand", Status.of("TDX_RND_NO_ENTROPY", "RCX"), 2],
    ["other status", INVALID, 1],
  ])("is chosen by %s", (_, status, calls) => {
    const module = new ScriptedModule(failingAt(status, 1));
    module.run([step(2)], 1);
    expect(module.calls).toHaveLength(calls);
  });

  it("comes after what KVM does before each further call", () => {
    const order: number[] = [];
    const module: ScriptedModule = new ScriptedModule(failingAt(BUSY, 1, 2));
    module.run([step(9, () => order.push(module.calls.length))], 1);
    expect(order).toEqual([1, 2]);
  });

  it("counts for one execution, whichever it is", () => {
    const module = new ScriptedModule(failingAt(BUSY, 4));
    const twice = takes({
      leaf: testLeaf(5),
      lp: 0,
      times: 2,
      innerStride: 1,
      rcxStride: 2,
      retries: { retryOn: ["TDX_OPERAND_BUSY"], tries: 2 },
    });
    module.run([twice], 3);
    expect(module.calls.map(({ rcx }) => rcx)).toEqual([0, 1, 2, 3, 3, 4, 5]);
    expect(module.told.join()).toBe(
      "5 TDX_SUCCESS 2,5 TDX_OPERAND_BUSY|RCX 1,5 TDX_SUCCESS 1,5 TDX_SUCCESS 3",
    );
  });

  it("without bound and without another answer is a livelock", () => {
    const module = new ScriptedModule(() => BUSY);
    expect(() => module.run([step(Number.POSITIVE_INFINITY)], 1)).toThrow(
      expect.objectContaining({
        name: "KvmLivelock",
        message: `LEAF.5 returned TDX_OPERAND_BUSY|RCX ${SPIN_LIMIT} times, and KVM tries for ever`,
        leaf: "LEAF.5",
        status: "TDX_OPERAND_BUSY|RCX",
        calls: SPIN_LIMIT,
      }),
    );
    expect(module.calls).toHaveLength(SPIN_LIMIT);
  });

  it("with a bound ends there, however high it is", () => {
    const module = new ScriptedModule(() => BUSY);
    expect(module.run([step(SPIN_LIMIT)], 1).failure?.status).toBe(BUSY);
  });

  it("as one of its own gives the last status", () => {
    const module = new ScriptedModule(failingAt(BUSY, 1));
    const plan = { leaf: testLeaf(5), lp: 0 };
    const retries = { retryOn: ["TDX_OPERAND_BUSY"], tries: 2 };
    expect(module.port.call({ ...plan, rcx: 1, retries })).toBe(SUCCESS);
    expect(module.port.call(plan)).toBe(SUCCESS);
    expect(module.calls.map(({ rcx }) => rcx)).toEqual([1, 1, 0]);
  });
});

describe("the driver's turn", () => {
  it("comes after as many calls as were agreed, not for the host's own work", () => {
    const module = new ScriptedModule(succeeding, { callsPerTurn: 100 });
    const turns = module.turns([onPages(), hostWork("pageClears4K", 512)], 1000);
    expect(turns.length).toBeLessThanOrEqual(11);
    expect(Math.max(...turns)).toBeLessThan(200);
  });

  it("comes after as many spans", () => {
    const module = new ScriptedModule(succeeding, { callsPerTurn: 4, spanLimit: 10 });
    const turns = module.turns([onPages(uniformLeaf(5))], 100);
    // A span counts as the call it is, and as a look at the driver.
    expect(turns).toEqual([20, 20, 20, 20, 20, 0]);
  });

  it("comes after each call where the caller keeps the place", () => {
    const body = [onPages(), takes({ leaf: testLeaf(6), lp: 0, times: 2 }), hostWork("ipis", 1)];
    const module = new ScriptedModule(succeeding, { callsPerTurn: 1 });
    const progress = new BodyProgress({ step: 0, time: 0 });
    const places: string[] = [];
    for (const _ of module.port.run(body, 2, progress)) {
      places.push(`${progress.done}: ${progress.step}.${progress.time}`);
    }
    expect(places).toEqual(["0: 1.0", "0: 1.1", "0: 2.0", "1: 1.0", "1: 1.1", "1: 2.0"]);
  });

  it("comes after each iteration where he does not", () => {
    const module = new ScriptedModule(succeeding, { callsPerTurn: 1 });
    expect(module.turns([onPages(), onPages(testLeaf(6))], 3)).toEqual([2, 2, 2, 0]);
  });

  it.each([
    [{ step: 1, time: 0 }, [6, 6, 7]],
    [{ step: 1, time: 1 }, [6, 7]],
    [{ step: 2, time: 0 }, [7]],
  ])("may come back in the middle of an iteration, at %o", (place, first) => {
    const body = [
      onPages(),
      takes({ leaf: testLeaf(6), lp: 0, times: 2 }),
      onPages(testLeaf(7)),
    ] as const;
    const module = new ScriptedModule(succeeding);
    expect(module.run(body, 3, new BodyProgress(place)).done).toBe(3);
    expect(module.calls.map(({ leaf }) => leaf)).toEqual([...first, 5, 6, 6, 7, 5, 6, 6, 7]);
  });

  it("sees how many iterations of the body are done, none once it is over", () => {
    const module = new ScriptedModule(succeeding, { callsPerTurn: 2, spanLimit: 10 });
    const seen = Array.from(
      module.port.run([onPages(uniformLeaf(5))], 30, new BodyProgress()),
      () => module.port.bodyDone,
    );
    expect(seen).toEqual([10, 20, 30]);
    expect(module.port.bodyDone).toBe(0);
  });
});
