import { describe, expect, it } from "vitest";
import type { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { RAX } from "../../src/module/registers.ts";
import { Status } from "../../src/module/status.ts";
import { faulty, recorded } from "../support/faulty-td.ts";
import { kvmOf, vmOf } from "../support/kvm-side.ts";
import { buildOn, built, expectPristine, PAGE } from "../support/td-vm.ts";

function warningsOf(host: SimulatedHost): unknown {
  return host.td("a")?.vm.state.warnings;
}

describe("removing a leaf while the HKID is assigned (kvm-teardown C.1)", () => {
  it("is BLOCK, TRACK, REMOVE, WBINVD with the TD's HKID, page by page", () => {
    const { host, td } = built("touched", { memoryBytes: 2 * PAGE }, { step: true });
    const calls = recorded(host);
    td.close();
    const removal = calls.slice(0, 8).map(({ leaf, rcx, hkid }) => ({ leaf, rcx, hkid }));
    const { start: pfn } = host.snapshot().pages.memory;
    const { start: control } = host.snapshot().pages.control;
    const ofPage = (page: number) => [
      { leaf: "TDH.MEM.RANGE.BLOCK", rcx: page * PAGE, hkid: 0 },
      { leaf: "TDH.MEM.TRACK", rcx: control * PAGE, hkid: 0 },
      { leaf: "TDH.MEM.PAGE.REMOVE", rcx: page * PAGE, hkid: 0 },
      { leaf: "TDH.PHYMEM.PAGE.WBINVD", rcx: (pfn + page) * PAGE, hkid: 65 },
    ];
    expect(removal).toEqual([...ofPage(0), ...ofPage(1)]);
  });

  it("kicks every vCPU for every page, and those in the guest leave it", () => {
    const { host, td } = built("touched");
    td.run(0);
    td.run(1);
    expect(td.close().hostWork).toMatchObject({ vcpuKicks: 2 * 4 });
    expect(host.module.runningVcpus).toBe(0);
  });

  it("of a TD that was not finalised makes no TRACK and kicks nobody", () => {
    const { phases, hostWork } = built("image").td.close();
    expect(phases[0]).toMatchObject({ phase: "remove-private", seamcalls: { total: 2 * 3 } });
    expect(phases[0]?.seamcalls.byLeaf).not.toHaveProperty(["TDH.MEM.TRACK"]);
    expect(hostWork).toMatchObject({ vcpuKicks: 0 });
  });

  it("tries a busy BLOCK 17 times", () => {
    const { host, td } = faulty(
      "touched",
      {},
      "TDH.MEM.RANGE.BLOCK:OPERAND_BUSY|SEPT_TREE:times=16",
    );
    expect(td.close().seamcalls.byLeaf).toMatchObject({ "TDH.MEM.RANGE.BLOCK": 16 + 4 });
    expect(host.report("a")).toMatchObject({ pagesLeaked: 0 });
  });

  it("gives the page up after the 17th, with KVM_BUG_ON", () => {
    const { host, td } = faulty(
      "touched",
      {},
      "TDH.MEM.RANGE.BLOCK:OPERAND_BUSY|SEPT_TREE:times=17",
    );
    expect(td.close().seamcalls.byLeaf).toMatchObject({
      "TDH.MEM.RANGE.BLOCK": 17 + 3,
      "TDH.MEM.PAGE.REMOVE": 3,
    });
    expect(host.td("a")?.vm.state.isBugged).toBe(true);
    // With a page of its own left, the TDR cannot be reclaimed either.
    expect(host.report("a")).toMatchObject({ pagesLeaked: 2, hkid: null });
  });

  it("tries TRACK without bound while an operand is busy", () => {
    const { host, td } = faulty("touched", {}, "TDH.MEM.TRACK:OPERAND_BUSY|TD_EPOCH:times=5000");
    expect(td.close().seamcalls.byLeaf).toMatchObject({ "TDH.MEM.TRACK": 5000 + 4 });
    expect(host.report("a")).toMatchObject({ pagesLeaked: 0 });
  });

  it("does not try TRACK again while the previous epoch is busy", () => {
    const { host, td } = faulty("touched", {}, "TDH.MEM.TRACK:PREVIOUS_TLB_EPOCH_BUSY@k=2");
    expect(td.close().seamcalls.byLeaf).toMatchObject({
      "TDH.MEM.TRACK": 4,
      "TDH.MEM.PAGE.REMOVE": 3,
    });
    expect(host.td("a")?.vm.state.isBugged).toBe(true);
  });
});

describe("releasing the HKID (kvm-teardown C.2)", () => {
  it("flushes each vCPU on its LP and writes back on one LP a package", () => {
    const { host, td } = built("touched", { vcpus: 3, packages: 2, lps: 4 }, { step: true });
    const calls = recorded(host);
    td.releaseVm();
    expect(calls.slice(0, 7).map(({ leaf, lp }) => `${leaf} on ${lp}`)).toEqual([
      "TDH.VP.FLUSH on 0",
      "TDH.VP.FLUSH on 1",
      "TDH.VP.FLUSH on 2",
      "TDH.MNG.VPFLUSHDONE on 0",
      "TDH.PHYMEM.CACHE.WB on 0",
      "TDH.PHYMEM.CACHE.WB on 1",
      "TDH.MNG.KEY.FREEID on 0",
    ]);
  });

  it("sends no IPI to a vCPU that was never initialised", () => {
    const { td } = built("vcpus");
    td.createVcpu();
    expect(td.releaseVm()).toMatchObject({
      hostWork: { ipis: 2 },
      seamcalls: { byLeaf: { "TDH.VP.FLUSH": 2 } },
    });
  });

  it("starts over while a vCPU is associated, without another IPI", () => {
    const { td } = faulty("touched", {}, "TDH.MNG.VPFLUSHDONE:FLUSHVP_NOT_DONE:times=3");
    expect(td.releaseVm()).toMatchObject({
      hostWork: { ipis: 2 },
      seamcalls: { byLeaf: { "TDH.VP.FLUSH": 2, "TDH.MNG.VPFLUSHDONE": 4 } },
    });
  });

  it("resumes a write-back that was interrupted", () => {
    const { host, td } = faulty("touched", {}, "TDH.PHYMEM.CACHE.WB:INTERRUPTED_RESUMABLE:times=2");
    const calls = recorded(host);
    expect(td.releaseVm()).toMatchObject({ ok: true });
    const operands = calls.filter(({ leaf }) => leaf === "TDH.PHYMEM.CACHE.WB");
    expect(operands.map(({ rcx }) => rcx)).toEqual([0, 1, 1]);
    expect(host.report("a")).toMatchObject({ hkid: null });
  });

  it("never comes back where every write-back is interrupted", () => {
    const { host, td } = built("touched");
    const seamcall = host.module.seamcall.bind(host.module);
    host.module.seamcall = (lp, registers, count, environment) =>
      registers.low[RAX] === 40
        ? Status.of("TDX_INTERRUPTED_RESUMABLE")
        : seamcall(lp, registers, count, environment);
    expect(() => td.releaseVm()).toThrow(
      expect.objectContaining({
        name: "KvmLivelock",
        leaf: "TDH.PHYMEM.CACHE.WB",
        status: "TDX_INTERRUPTED_RESUMABLE",
        calls: 100_000,
      }),
    );
    // What it did before is done.
    expect(vmOf(host).state).toMatchObject({ hkid: 65, hkidRelease: "flushed" });
  });

  it("that fails twice leaves one HKID behind, not two", () => {
    const { host, td } = faulty("touched", {}, "TDH.MNG.KEY.FREEID:OPERAND_BUSY|KOT@k=1");
    td.releaseVm();
    td.close();
    expect(host.td("a")?.vm.state.leakedHkids).toEqual([65]);
  });

  it("takes nothing to write back for success", () => {
    const { host, td } = faulty("touched", {}, "TDH.PHYMEM.CACHE.WB:NO_HKID_READY_TO_WBCACHE@k=1");
    td.releaseVm();
    // The key is not freed: the module knows that the caches were not written back.
    expect(warningsOf(host)).toMatchObject({ "TDH.MNG.KEY.FREEID TDX_WBCACHE_NOT_COMPLETE": 1 });
    expect(warningsOf(host)).not.toHaveProperty([
      "TDH.PHYMEM.CACHE.WB TDX_NO_HKID_READY_TO_WBCACHE",
    ]);
  });

  it("ignores VCPU_NOT_ASSOCIATED and spins where the vCPU is associated after all", () => {
    const { host, td } = built("touched", {}, { step: true });
    const seamcall = host.module.seamcall.bind(host.module);
    let flushes = 0;
    host.module.seamcall = (lp, registers, count, environment) => {
      const isFlush = registers.low[RAX] === 18;
      // Another LP than the associated one, as if the vCPU had been moved.
      return seamcall(isFlush && flushes++ === 0 ? lp + 1 : lp, registers, count, environment);
    };
    expect(() => td.releaseVm()).toThrow("TDH.MNG.VPFLUSHDONE returned TDX_FLUSHVP_NOT_DONE");
    expect(flushes).toBe(2);
    expect(warningsOf(host)).toEqual({});
  });
});

describe("reclaiming (kvm-teardown C.3)", () => {
  it("goes from private pages to tables from the lowest level up, vCPUs, TDCX, and the TDR last", () => {
    const { host, td } = built("touched", { memoryBytes: 2 * PAGE, vcpus: 1 }, { step: true });
    const { pages } = host.snapshot();
    const calls = recorded(host);
    td.destroy("hint");
    const { start: tdr } = pages.control;
    const [tdcx, tdvpr, tdvpx] = [tdr + 1, tdr + 7, tdr + 8];
    const run = (first: number, count: number) =>
      Array.from({ length: count }, (_, i) => first + i);
    const order = calls.filter(({ leaf }) => leaf === "TDH.PHYMEM.PAGE.RECLAIM");
    expect(order.map(({ rcx }) => rcx / PAGE)).toEqual([
      ...run(pages.memory.start, 2),
      ...[1, 2, 3].map((level) => pages.sept[level]?.start),
      ...run(tdvpx, 5),
      tdvpr,
      ...run(tdcx, 6),
      tdr,
    ]);
    expect(calls.at(-1)).toMatchObject({
      leaf: "TDH.PHYMEM.PAGE.WBINVD",
      lp: 0,
      rcx: tdr * PAGE,
      hkid: host.platform.hkids.global,
    });
  });

  it("reclaims control pages that lie apart like any others, the TDR last", () => {
    const { host, td } = built("created");
    const { control } = kvmOf(host).pages;
    // Pieces of one, two and three pages: the TDR, and TDCX in runs of two and three.
    const held = [2, 3, 4].map((pages) => control.alloc(pages) ?? expect.unreachable());
    for (const { page, count } of held) control.free(page, count - 1);
    expect(td.initVm()).toMatchObject({ ok: true });
    const [tdr = 0, ...tdcx] = [vmOf(host).state.tdr ?? 0, ...vmOf(host).state.tdcx];
    expect(tdcx.map((page) => page - tdr)).toEqual([2, 3, 5, 6, 7, 9]);
    const calls = recorded(host);
    expect(td.close()).toMatchObject({ ok: true, hostWork: { pagesCleared: 7 } });
    const reclaims = calls.filter(({ leaf }) => leaf === "TDH.PHYMEM.PAGE.RECLAIM");
    expect(reclaims.map(({ rcx, count }) => [rcx / PAGE - tdr, count])).toEqual([
      [2, 2],
      [5, 3],
      [9, 1],
      [0, 1],
    ]);
    for (const { page, count } of held) control.free(page + count - 1, 1);
    expectPristine(host);
  });

  it("clears every page that comes back", () => {
    const { td } = built("touched");
    expect(td.destroy("hint").hostWork).toMatchObject({ pagesCleared: 4 + 3 + 19 });
  });

  it("leaks a page that stays in use, and with it the TDR", () => {
    const { host, td } = faulty(
      "touched",
      {},
      "TDH.PHYMEM.PAGE.RECLAIM:PAGE_METADATA_INCORRECT|RCX@k=1",
    );
    expect(td.destroy("exit")).toMatchObject({
      ok: true,
      statuses: { TDX_TD_ASSOCIATED_PAGES_EXIST: 1 },
    });
    expect(host.report("a")).toMatchObject({ pagesLeaked: 2, destroyed: true, hkid: null });
    expect(host.td("a")?.vm.state.isTdrReclaimed).toBe(false);
  });

  it("of one TD leaves the pages of another alone", () => {
    const { host, td } = built("touched");
    buildOn(host, "b", "touched");
    const before = host.report("b");
    td.destroy("runtime");
    expect(host.report("b")).toEqual(before);
  });
});
