import { describe, expect, it } from "vitest";
import type { KernelGeneration } from "../../src/kvm/generations/generation.ts";
import { ALL_FRAMES } from "../../src/kvm/teardown/leaf-entries.ts";
import { removeLeaves } from "../../src/kvm/teardown/runtime-removal.ts";
import { KvmVm } from "../../src/kvm/vm.ts";
import { injectFaults, recorded } from "../support/faulty-td.ts";
import { kvmOf, mapped, returned, vmOf } from "../support/kvm-side.ts";
import { buildOn, built } from "../support/td-vm.ts";

const LEVELS = [
  { size: "4 KiB", level: 0 },
  { size: "2 MiB", level: 1 },
] as const;

/** The VM on a kernel that does something otherwise. */
function otherwise(vm: KvmVm, changes: Partial<KernelGeneration>): KvmVm {
  return new KvmVm({ ...vm.generation, ...changes }, vm.state, vm.memory);
}

describe("removing leaves while the HKID is assigned (kvm-teardown C.1)", () => {
  it.each(LEVELS)("of $size leaves those beyond the range mapped", ({ level }) => {
    const { host, vm, frames } = mapped(level, 4, 2);
    returned(removeLeaves(kvmOf(host), vm, { from: 0, to: 5 * frames }, "punch"));
    expect(vm.memory.leafCount(level)).toBe(1);
    expect(vm.memory.leavesFrom(level)).toMatchObject({ gfn: 6 * frames, leaves: 1 });
  });

  it.each(LEVELS)("leaks a leaf of $size that is not removed, whole, and no other", ({ level }) => {
    const { host, td, vm, frames } = mapped(level, 4, 2);
    const { start } = host.snapshot().pages.memory;
    injectFaults(host, "TDH.MEM.PAGE.REMOVE:TD_FATAL@k=3");
    td.close();
    expect(vm.state.leaked[0]).toEqual({
      pfn: start + 2 * frames,
      pages: frames,
      what: "private page",
    });
    expect(vm.memory.leafCount(level)).toBe(0);
  });

  it.each(LEVELS)("flushes each page of 4 KiB of a leaf of $size, with the HKID", ({ level }) => {
    const { host, vm, frames } = mapped(level, 2, 1);
    const { start } = host.snapshot().pages.memory;
    const calls = recorded(host);
    returned(removeLeaves(kvmOf(host, { spanLimit: 1 }), vm, ALL_FRAMES, "punch"));
    const flushed = calls.filter(({ leaf }) => leaf === "TDH.PHYMEM.PAGE.WBINVD");
    expect(flushed.map(({ rcx, hkid }) => [rcx / 4096 - start, hkid])).toEqual(
      Array.from({ length: 2 * frames }, (_, page) => [page, vm.state.hkid]),
    );
  });

  it("leaves vCPUs of other TDs in the guest", () => {
    const { host, td } = built("touched");
    const other = buildOn(host, "b", "touched");
    expect(other.run(1)).toMatchObject({ answer: { reason: "in-guest" } });
    expect(td.close()).toMatchObject({ ok: true, hostWork: { vcpuKicks: 4 * 2 } });
    expect(other.interrupt(1)).toBe(true);
  });

  it.each([
    ["before the TRACK in v16", "v16", ["BLOCK", "kick", "TRACK"]],
    ["after it in v6.16", "v6.16", ["BLOCK", "TRACK", "kick"]],
  ])("kicks vCPUs %s", (_, kernel, order) => {
    const { host } = built("touched", { kernel });
    const seen: string[] = [];
    const observer = {
      phase() {},
      seamcalls: (_number: number, leaf: string) => void seen.push(leaf.replace(/.*\./, "")),
      hostWork: (kind: string) => void (kind === "vcpuKicks" && seen.push("kick")),
    };
    const kvm = host.kvm(observer, true, { callsPerTurn: 1 });
    returned(removeLeaves(kvm, vmOf(host), ALL_FRAMES, "remove-private"));
    expect(seen.slice(0, 3)).toEqual(order);
  });
});

describe("batch-track", () => {
  it("makes no TRACK for a TD that was not finalised", () => {
    const { host } = built("image");
    const vm = otherwise(vmOf(host), { tracks: "each-zap" });
    const calls = recorded(host);
    returned(removeLeaves(kvmOf(host), vm, ALL_FRAMES, "remove-private"));
    expect(calls.map(({ leaf, count }) => [leaf, count])).toEqual([
      ["TDH.MEM.RANGE.BLOCK", 2],
      ["TDH.MEM.PAGE.REMOVE", 2],
      ["TDH.PHYMEM.PAGE.WBINVD", 2],
    ]);
  });

  it.each(LEVELS)(
    "leaks a leaf of $size that is not blocked, and removes the others",
    ({ level }) => {
      const { host, vm, frames } = mapped(level, 4, 1);
      const { start } = host.snapshot().pages.memory;
      injectFaults(host, "TDH.MEM.RANGE.BLOCK:TD_FATAL@k=3");
      const batching = otherwise(vm, { tracks: "each-zap" });
      returned(removeLeaves(kvmOf(host), batching, ALL_FRAMES, "remove-private"));
      expect(vm.state.leaked).toEqual([
        { pfn: start + 2 * frames, pages: frames, what: "private page" },
      ]);
      expect(vm.memory.leafCount(level)).toBe(0);
      expect(vm.state.isBugged).toBe(true);
    },
  );
});
