import { describe, expect, it } from "vitest";
import { reclaimVcpus, rowOf } from "../../src/kvm/teardown/reclaim-control.ts";
import type { KvmVcpu } from "../../src/kvm/vm.ts";
import { returned, vmOf } from "../support/kvm-side.ts";
import { built } from "../support/td-vm.ts";

/** vCPUs by their TDVPR and TDVPX pages. */
function vcpus(...pages: readonly (readonly [number | null, ...number[]])[]): KvmVcpu[] {
  return pages.map(([tdvpr, ...tdvpx], index) => {
    return { index, tdvpr, tdvpx, isInitialized: true, cpu: -1 };
  });
}

describe("vCPUs whose pages one body reclaims", () => {
  it.each([
    ["follow each other", vcpus([10, 11, 12], [13, 14, 15], [16, 17, 18]), 3],
    ["are one alone", vcpus([10, 11, 12]), 1],
    ["end before one that lies apart", vcpus([10, 11, 12], [14, 15, 16]), 1],
    ["end before one with its pages apart", vcpus([10, 11, 12], [13, 15, 16]), 1],
    ["end before one with its last page apart", vcpus([10, 11, 12], [13, 14, 16]), 1],
    ["end before one with fewer pages", vcpus([10, 11, 12], [13, 14]), 1],
    ["end before one with more pages", vcpus([10, 11, 12], [13, 14, 15, 16]), 1],
    ["end before one without pages", vcpus([10, 11, 12], [null]), 1],
    ["are none where the first lies apart itself", vcpus([10, 12, 13], [14, 15, 16]), 0],
    ["are none where its TDVPR comes last", vcpus([12, 10, 11]), 0],
    ["are none where it has a TDVPR alone", vcpus([10], [11]), 0],
    ["are none where its TDVPR is gone", vcpus([null, 11, 12]), 0],
  ])("%s", (_, given, count) => {
    expect(rowOf(given, 0)).toEqual(given.slice(0, count));
  });

  it("begin where they are looked for", () => {
    const given = vcpus([30, 31], [10, 11], [12, 13], [20, 21]);
    expect(rowOf(given, 1)).toEqual(given.slice(1, 3));
  });
});

describe("reclaiming vCPUs", () => {
  /** A VM whose HKID is free, and what an observer was told while its vCPUs were reclaimed. */
  function reclaimed(isFlushed: boolean) {
    const { host, td } = built("vcpus", { vcpus: 7 });
    if (isFlushed) expect(td.releaseVm()).toMatchObject({ ok: true });
    const told: number[] = [];
    const observer = {
      phase() {},
      hostWork() {},
      seamcalls: (...[, , , count]: readonly [number, string, string, number]) => {
        told.push(count);
      },
    };
    const vm = vmOf(host);
    returned(reclaimVcpus(host.kvm(observer, false), vm));
    return { vm, told };
  }

  it("that lie alike is told at once: the TDVPX of all seven, and their TDVPR", () => {
    expect(reclaimed(true).told).toEqual([35, 7]);
  });

  it("leaves no pages with them, and nothing to run", () => {
    const { vcpus: left } = reclaimed(true).vm.state;
    expect(left).toHaveLength(7);
    for (const vcpu of left) {
      expect(vcpu).toMatchObject({ tdvpr: null, tdvpx: [], isInitialized: false, cpu: -1 });
    }
  });

  it("of a TD with an HKID makes no SEAMCALL and leaks their pages", () => {
    const { vm, told } = reclaimed(false);
    expect(told).toEqual([]);
    expect(vm.state.leaked.reduce((sum, { pages }) => sum + pages, 0)).toBe(7 * 6);
    expect(vm.state.vcpus.every(({ tdvpr, tdvpx }) => tdvpr === null && tdvpx.length === 0)).toBe(
      true,
    );
  });
});
