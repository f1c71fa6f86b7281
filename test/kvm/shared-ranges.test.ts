import { describe, expect, it } from "vitest";
import { convertToPrivate, convertToShared } from "../../src/kvm/convert.ts";
import type { FrameRange } from "../../src/kvm/teardown/leaf-entries.ts";
import { faulty } from "../support/faulty-td.ts";
import { kvmOf, returned, vmOf } from "../support/kvm-side.ts";
import { built } from "../support/td-vm.ts";

const ATTRIBUTES = "KVM_SET_MEMORY_ATTRIBUTES";

describe("the ranges that are shared", () => {
  const range = (from: number, to: number) => ({ from, to });
  const TWO = [range(10, 20), range(30, 40)];

  /** Shared ranges of a TD of which none is mapped, after each of these was made shared. */
  function shared(...ranges: readonly FrameRange[]) {
    const { host } = built("finalized");
    const vm = vmOf(host);
    for (const each of ranges) expect(returned(convertToShared(kvmOf(host), vm, each))).toBeNull();
    return vm;
  }

  it.each([
    [
      "apart from the others stands by itself, in order",
      range(22, 28),
      [TWO[0], range(22, 28), TWO[1]],
    ],
    ["before the others comes first", range(2, 5), [range(2, 5), ...TWO]],
    ["that begins where another ends is one with it", range(20, 25), [range(10, 25), TWO[1]]],
    ["that ends where another begins is one with it", range(25, 30), [TWO[0], range(25, 40)]],
    ["that reaches from one into another joins them", range(15, 35), [range(10, 40)]],
    ["around another takes it in", range(5, 25), [range(5, 25), TWO[1]]],
    ["inside of another changes nothing", range(12, 18), TWO],
  ])("gain a range: one %s", (_, gained, expected) => {
    expect(shared(TWO[1] ?? range(0, 0), TWO[0] ?? range(0, 0), gained).state.shared).toEqual(
      expected,
    );
  });

  it.each([
    ["between two of them", range(20, 30), TWO],
    ["at the start of one", range(5, 12), [range(12, 20), TWO[1]]],
    ["from the start of one on", range(10, 12), [range(12, 20), TWO[1]]],
    ["up to the end of one", range(35, 40), [TWO[0], range(30, 35)]],
    ["at the end of one", range(18, 30), [range(10, 18), TWO[1]]],
    ["in the middle of one", range(12, 18), [range(10, 12), range(18, 20), TWO[1]]],
    ["of both", range(15, 35), [range(10, 15), range(35, 40)]],
    ["of all", range(0, 50), []],
  ])("lose a part %s", (_, lost, expected) => {
    const vm = shared(...TWO);
    expect(convertToPrivate(vm, lost)).toBeNull();
    expect(vm.state.shared).toEqual(expected);
  });

  it("do not gain a range of which a page could not be removed", () => {
    const { host } = faulty("touched", {}, "TDH.MEM.PAGE.REMOVE:OPERAND_INVALID|RCX@k=1");
    const vm = vmOf(host);
    expect(returned(convertToShared(kvmOf(host), vm, range(0, 2)))).toEqual({
      errno: "EIO",
      ioctl: ATTRIBUTES,
      reason: "a private page could not be removed",
    });
    expect(vm.state.shared).toEqual([]);
  });
});
