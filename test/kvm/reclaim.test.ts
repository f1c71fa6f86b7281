import { describe, expect, it } from "vitest";
import { initMemRegion } from "../../src/kvm/init-mem-region.ts";
import { initVm } from "../../src/kvm/init-vm.ts";
import { releaseVm } from "../../src/kvm/teardown/destroy.ts";
import { ALL_FRAMES } from "../../src/kvm/teardown/leaf-entries.ts";
import { reclaimLeaves, reclaimTables } from "../../src/kvm/teardown/reclaim.ts";
import { reclaimTd, reclaimVcpus } from "../../src/kvm/teardown/reclaim-control.ts";
import { releaseHkid } from "../../src/kvm/teardown/release-hkid.ts";
import { createVcpu, initVcpus } from "../../src/kvm/vcpu.ts";
import { KvmVm } from "../../src/kvm/vm.ts";
import { injectFaults, recorded } from "../support/faulty-td.ts";
import { kvmOf, mapped, returned, vmOf } from "../support/kvm-side.ts";
import { built, expectPristine, PAGE } from "../support/td-vm.ts";

const RECLAIM = "TDH.PHYMEM.PAGE.RECLAIM";

/** The same after its HKID was given back. */
function released(...shape: Parameters<typeof mapped>) {
  const made = mapped(...shape);
  const kvm = kvmOf(made.host);
  returned(releaseHkid(kvm, made.vm));
  return { ...made, kvm, calls: recorded(made.host) };
}

const LEVELS = [
  { size: "4 KiB", level: 0 },
  { size: "2 MiB", level: 1 },
] as const;

describe("private pages after the HKID is gone (kvm-teardown C.3)", () => {
  it.each(LEVELS.flatMap((each) => [1, 2, 3].map((apart) => ({ ...each, apart }))))(
    "of $size come back at once where host pages follow each other, $apart apart in the guest",
    ({ level, apart }) => {
      const { host, vm, kvm, calls } = released(level, 5, apart);
      const { start } = host.snapshot().pages.memory;
      returned(reclaimLeaves(kvm, vm, ALL_FRAMES, "reclaim-private"));
      expect(calls).toMatchObject([{ leaf: RECLAIM, rcx: start * PAGE, count: 5 }]);
      expect([vm.memory.leafCount(level), vm.memory.leavesFrom(level)]).toEqual([0, null]);
      expect(host.snapshot().pages.memory).toMatchObject({ next: start, freed: [] });
    },
  );

  it.each(LEVELS)("of $size come back up to the end of a range, no further", ({ level }) => {
    // Guest pages 0, 2, 4 and 6 of their size.
    for (const [end, leaves] of [
      [5, 3],
      [6, 3],
      [7, 4],
    ] as const) {
      const { vm, kvm, calls, frames } = released(level, 4, 2);
      returned(reclaimLeaves(kvm, vm, { from: 0, to: end * frames }, "punch"));
      expect(calls.map(({ count }) => count)).toEqual([leaves]);
      expect(vm.memory.leafCount(level)).toBe(4 - leaves);
      expect(vm.memory.leavesFrom(level)?.gfn).toBe(leaves === 4 ? undefined : 6 * frames);
    }
  });

  it("come back in pieces where host pages do not follow", () => {
    const { host, vm, kvm, calls } = released(0, 4, 1);
    const { start } = host.snapshot().pages.memory;
    vm.memory.unmap(0, 2, 1);
    returned(reclaimLeaves(kvm, vm, ALL_FRAMES, "reclaim-private"));
    expect(calls.map(({ rcx, count }) => [rcx / PAGE - start, count])).toEqual([
      [0, 2],
      [3, 1],
    ]);
  });

  it.each(LEVELS)("of $size give up PAMT pages as far as they have any", ({ level }) => {
    const { host, vm, kvm } = released(level, 3, 1, "dynamic-pamt");
    returned(reclaimLeaves(kvm, vm, ALL_FRAMES, "reclaim-private"));
    for (const step of [reclaimVcpus, reclaimTables, reclaimTd]) returned(step(kvm, vm));
    expectPristine(host);
  });

  it.each(LEVELS)("of $size that do not come back are leaked whole", ({ level }) => {
    const { host, td, vm, frames } = mapped(level, 4, 2);
    const { start } = host.snapshot().pages.memory;
    injectFaults(host, `${RECLAIM}:PAGE_METADATA_INCORRECT|RCX@k=3`);
    td.destroy("exit");
    const page = { pfn: start + 2 * frames, pages: frames, what: "private page" };
    expect(vm.state.leaked[0]).toEqual(page);
    expect(vm.memory.leafCount(level)).toBe(0);
  });
});

describe("Secure EPT pages (kvm-teardown C.3)", () => {
  /** A VM whose tree has five levels, with one page mapped; next to the one that is built. */
  function fiveLevels() {
    const { host } = built("created");
    const { generation, state } = vmOf(host);
    const vm = KvmVm.create(generation, { ...state.shape, septLevels: 5 });
    const kvm = kvmOf(host);
    expect(returned(initVm(kvm, vm))).toBeNull();
    expect(initVcpus(kvm, vm, [createVcpu(vm)])).toBeNull();
    expect(returned(initMemRegion(kvm, vm, 0, 1))).toBeNull();
    expect(vm.memory.tableCount()).toBe(4);
    return { host, vm };
  }

  it("come back from all four levels of a tree of five", () => {
    const { host, vm } = fiveLevels();
    const kvm = kvmOf(host);
    expect(returned(releaseVm(kvm, vm))).toBeNull();
    expect(vm.memory.tableCount()).toBe(0);
    returned(reclaimVcpus(kvm, vm));
    returned(reclaimTd(kvm, vm));
    expectPristine(host);
  });

  it("are leaked from all four levels where the HKID stays", () => {
    const { host, vm } = fiveLevels();
    injectFaults(host, "TDH.MNG.VPFLUSHDONE:OPERAND_BUSY@k=1");
    expect(returned(releaseVm(kvmOf(host), vm))).toBeNull();
    const { leaked } = vm.state;
    expect(leaked.filter(({ what }) => what === "Secure EPT page")).toHaveLength(4);
    expect(vm.memory.tableCount()).toBe(0);
  });

  it("are told as pages of no size", () => {
    const { td } = built("touched");
    const { phases } = td.destroy("exit");
    const phase = phases.find((each) => each.phase === "reclaim-sept");
    expect(phase).toMatchObject({ seamcalls: { total: 3 }, largePageCalls: {} });
  });

  it("that do not come back are leaked one by one, and the others go on", () => {
    // Three tables of the lowest level, after 1024 pages and 1.
    const { host, td, vm } = mapped(0, 1025, 1);
    const { start = 0 } = host.snapshot().pages.sept[1] ?? {};
    injectFaults(host, `${RECLAIM}:PAGE_METADATA_INCORRECT|RCX@k=${1025 + 2}`);
    td.destroy("exit");
    expect(vm.state.leaked[0]).toEqual({ pfn: start + 1, pages: 1, what: "Secure EPT page" });
    expect(vm.memory.tableCount()).toBe(0);
  });
});
