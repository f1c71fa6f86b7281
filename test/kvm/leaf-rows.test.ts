import { describe, expect, it } from "vitest";
import { ALL_FRAMES, leavesIn, rowIn } from "../../src/kvm/teardown/leaf-entries.ts";
import { reclaimLeaves } from "../../src/kvm/teardown/reclaim.ts";
import { releaseHkid } from "../../src/kvm/teardown/release-hkid.ts";
import type { KvmVm } from "../../src/kvm/vm.ts";
import { populatedHost } from "../support/faulted-teardown.ts";
import { built, PAGE } from "../support/td-vm.ts";

const HUGE = 512;

/** A VM that maps leaves of 4 KiB: guest frame, host frame, how many. */
function mapping(...leaves: readonly (readonly [number, number, number])[]): KvmVm {
  const { vm } = built("created").host.td("a") ?? expect.unreachable("the TD is there");
  for (const [gfn, pfn, count] of leaves) vm.memory.map(0, gfn, pfn, count);
  return vm;
}

describe("leaves that one body removes", () => {
  it("are a run of guest and host frames", () => {
    const row = rowIn(mapping([8, 100, 4]), 0, ALL_FRAMES);
    expect(row).toEqual({ level: 0, gfn: 8, pfn: 100, leaves: 4, spacing: 1 });
  });

  it("are single leaves with the same gap between them all", () => {
    const row = rowIn(mapping([8, 100, 1], [10, 101, 1], [12, 102, 1]), 0, ALL_FRAMES);
    expect(row).toEqual({ level: 0, gfn: 8, pfn: 100, leaves: 3, spacing: 2 });
  });

  it.each([
    ["another gap begins", [13, 102, 1], 2],
    ["host frames do not follow", [12, 200, 1], 2],
    ["a run follows", [12, 102, 2], 2],
    ["nothing follows", [10, 101, 1], 2],
  ] as const)("end where %s", (_, last, leaves) => {
    const vm = mapping([8, 100, 1], [10, 101, 1], last);
    expect(rowIn(vm, 0, ALL_FRAMES)).toMatchObject({ gfn: 8, leaves, spacing: 2 });
  });

  it("are not a run and a leaf behind it", () => {
    const vm = mapping([8, 100, 2], [11, 102, 1]);
    expect(rowIn(vm, 0, ALL_FRAMES)).toMatchObject({ leaves: 2, spacing: 1 });
  });

  it("lie in the range, in whole", () => {
    const vm = mapping([8, 100, 4]);
    expect(leavesIn(vm, 0, { from: 9, to: 11 })).toMatchObject({ gfn: 9, pfn: 101, leaves: 2 });
    expect(leavesIn(vm, 0, { from: 12, to: 20 })).toBeNull();
    vm.memory.map(1, 2 * HUGE, 8 * HUGE, 2);
    expect(leavesIn(vm, 1, { from: 2 * HUGE + 1, to: 4 * HUGE })).toMatchObject({ gfn: 3 * HUGE });
    expect(leavesIn(vm, 1, { from: 0, to: 3 * HUGE - 1 })).toBeNull();
  });
});

describe("reclaiming a range after the HKID is gone", () => {
  it.each([
    ["4K", 0, 1],
    ["2M", 1, HUGE],
  ] as const)("takes the leaves of %s in it and no other", async (pageSize, level, frames) => {
    const host = await populatedHost({ memoryBytes: 4 * frames * PAGE, pageSize, vcpus: 1 });
    const { vm } = host.td("td") ?? expect.unreachable("the TD is there");
    const kvm = host.kvm({ phase() {}, seamcalls() {}, hostWork() {} }, false);
    Array.from(releaseHkid(kvm, vm));
    Array.from(reclaimLeaves(kvm, vm, { from: frames, to: 3 * frames }, "punch"));
    expect(vm.memory.leafCount(level)).toBe(2);
    const first = vm.memory.leavesFrom(level);
    const second = vm.memory.leavesFrom(level, frames);
    expect([first, second]).toMatchObject([
      { gfn: 0, leaves: 1 },
      { gfn: 3 * frames, leaves: 1 },
    ]);
  });
});
