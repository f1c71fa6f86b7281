import { describe, expect, it } from "vitest";
import { GENERATIONS } from "../../src/lab/kernels.ts";
import type { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { RAX } from "../../src/module/registers.ts";
import { Status } from "../../src/module/status.ts";
import { faulty } from "../support/faulty-td.ts";
import { type Built, built, expectPristine } from "../support/td-vm.ts";

/** A TD of four pages on a kernel, whose SEAMCALLs fail as planned once it was touched. */
function touched(kernel: string, ...faults: readonly string[]): Built {
  return faulty("touched", { kernel }, ...faults);
}

function stateOf(host: SimulatedHost) {
  return host.td("a")?.vm.state ?? expect.unreachable("the TD is there");
}

describe("v6.16 (kvm-teardown D.1)", () => {
  it.each(["TDH.MEM.RANGE.BLOCK", "TDH.MEM.PAGE.REMOVE"])(
    "kicks every vCPU and calls a busy %s once more",
    (leaf) => {
      const { host, td } = touched("v6.16", `${leaf}:OPERAND_BUSY|SEPT_TREE@k=1`);
      const closed = td.close();
      expect(closed.seamcalls.byLeaf).toMatchObject({ [leaf]: 4 + 1 });
      expect(closed.hostWork.vcpuKicks).toBe(4 * 2 + 2);
      expectPristine(host);
    },
  );

  it("gives the page up when the second call is busy too, with KVM_BUG_ON", () => {
    const { host, td } = touched("v6.16", "TDH.MEM.RANGE.BLOCK:OPERAND_BUSY|SEPT_TREE:times=2");
    expect(td.close().seamcalls.byLeaf).toMatchObject({ "TDH.MEM.RANGE.BLOCK": 2 + 3 });
    expect(stateOf(host).isBugged).toBe(true);
    expect(host.report("a")).toMatchObject({ pagesLeaked: 2 });
  });

  it("tries a busy WBINVD once: the page is leaked", () => {
    const { host, td } = touched("v6.16", "TDH.PHYMEM.PAGE.WBINVD:OPERAND_BUSY|RCX@k=1");
    expect(td.close().seamcalls.byLeaf).toMatchObject({ "TDH.PHYMEM.PAGE.WBINVD": 4 + 1 });
    expect(stateOf(host).leaked).toMatchObject([{ pages: 1, what: "private page" }]);
  });

  it("tries a busy RECLAIM once: the page is leaked, and the TDR with it", () => {
    const { host, td } = touched("v6.16", "TDH.PHYMEM.PAGE.RECLAIM:OPERAND_BUSY|RCX@k=1");
    td.close();
    expect(host.report("a")).toMatchObject({ pagesLeaked: 2, hkid: null });
  });

  it("gives the HKID up at FLUSHVP_NOT_DONE: it leaks with all control and Secure EPT pages", () => {
    const { host, td } = touched("v6.16", "TDH.MNG.VPFLUSHDONE:FLUSHVP_NOT_DONE@k=1");
    const before = host.report("a") ?? expect.unreachable();
    const { byLeaf } = td.close().seamcalls;
    expect(byLeaf).toMatchObject({ "TDH.MNG.VPFLUSHDONE": 1 });
    expect(Object.keys(byLeaf)).not.toContain("TDH.PHYMEM.CACHE.WB");
    expect(Object.keys(byLeaf)).not.toContain("TDH.MNG.KEY.FREEID");
    const leaked = before.controlPages + before.septPages;
    expect(host.report("a")).toMatchObject({ pagesLeaked: leaked, hkid: 65 });
  });

  it("calls CACHE.WB at most 10,000 times a package", () => {
    // No module is interrupted more often than its cache has parts: the bound is KVM's own.
    const { host, td } = built("touched", { kernel: "v6.16" });
    const seamcall = host.module.seamcall.bind(host.module);
    host.module.seamcall = (lp, registers, count, environment) =>
      registers.low[RAX] === 40
        ? Status.of("TDX_INTERRUPTED_RESUMABLE")
        : seamcall(lp, registers, count, environment);
    expect(td.close().seamcalls.byLeaf).toMatchObject({ "TDH.PHYMEM.CACHE.WB": 10_000 });
    expect(host.report("a")?.hkid).toBe(65);
  });

  it("refuses PAGE.ADD and MR.FINALIZE that are busy with -EBUSY, and the VM lives on", () => {
    const { td } = faulty(
      "vcpus",
      { kernel: "v6.16" },
      "TDH.MEM.PAGE.ADD:OPERAND_BUSY|RDX@k=1",
      "TDH.MR.FINALIZE:OPERAND_BUSY|RCX@k=1",
    );
    const image = { gpa: 0, pages: 1 };
    expect(td.initMemRegion(image)).toMatchObject({ ok: false, errno: "EBUSY" });
    expect(td.initMemRegion(image)).toMatchObject({ ok: true });
    expect(td.finalizeVm()).toMatchObject({ ok: false, errno: "EBUSY" });
    expect(td.finalizeVm()).toMatchObject({ ok: true });
  });

  it("reclaims vCPU pages, then Secure EPT pages, then TDCX and the TDR", () => {
    const { td } = built("touched", { kernel: "v6.16" });
    expect(td.close().phases.map(({ phase }) => phase)).toEqual([
      "remove-private",
      "release-hkid",
      "reclaim-control",
      "reclaim-sept",
    ]);
  });
});

describe("KVM_TDX_TERMINATE_VM (kvm-teardown D.2)", () => {
  const all = ["terminate-v4", "terminate-v5", "terminate-5of5"] as const;

  it.each(all)("of %s releases the HKID and nothing else", (kernel) => {
    const { host, td } = built("touched", { kernel });
    const answer = td.terminateVm();
    expect(answer).toMatchObject({ ok: true });
    expect(Object.keys(answer.seamcalls.byLeaf)).not.toContain("TDH.PHYMEM.PAGE.RECLAIM");
    expect(host.report("a")).toMatchObject({ hkid: null, privatePages: { "4K": 4 } });
  });

  it.each(all)("of %s and close make the SEAMCALLs of the strategy terminate", (kernel) => {
    const [apart, whole] = [built("touched", { kernel }), built("touched", { kernel })];
    const calls = apart.td.terminateVm().seamcalls.total + apart.td.close().seamcalls.total;
    expect(whole.td.destroy("terminate").seamcalls.total).toBe(calls);
    expectPristine(apart.host);
    expectPristine(whole.host);
  });

  it.each(all.flatMap((kernel) => [0, 1].map((vcpu) => ({ kernel, vcpu }))))(
    "of $kernel is -EBUSY while vCPU $vcpu is in KVM_RUN, and may be tried again",
    ({ kernel, vcpu }) => {
      const { td } = built("touched", { kernel });
      td.run(vcpu);
      expect(td.terminateVm()).toMatchObject({ ok: false, errno: "EBUSY" });
      td.interrupt(vcpu);
      expect(td.terminateVm()).toMatchObject({ ok: true });
    },
  );

  it.each(all)("of %s is the beginning of the strategy terminate", (kernel) => {
    const { host, td } = built("touched", { kernel });
    td.run(0);
    expect(td.destroy("terminate")).toMatchObject({ ok: false, errno: "EBUSY" });
    td.interrupt(0);
    td.terminateVm();
    expect(td.destroy("terminate")).toMatchObject({ ok: true });
    expectPristine(host);
  });

  it.each(["terminate-v4", "terminate-v5"])(
    "of %s leaves a dead VM: every ioctl is -EIO",
    (kernel) => {
      const { td } = built("vcpus", { kernel });
      td.terminateVm();
      const reason = "the VM was terminated and is dead";
      expect(td.terminateVm()).toMatchObject({ ok: false, errno: "EIO", reason });
      const answers = [
        td.initMemRegion({ gpa: 0, pages: 1 }),
        td.finalizeVm(),
        td.createVcpu(),
        td.initVm(),
        td.terminateVm(),
      ];
      for (const answer of answers) expect(answer).toMatchObject({ ok: false, errno: "EIO" });
      expect(td.close()).toMatchObject({ ok: true });
    },
  );

  it("of 5/5 may be called again and does nothing then", () => {
    const { td } = built("touched", { kernel: "terminate-5of5" });
    td.terminateVm();
    expect(td.terminateVm()).toMatchObject({ ok: true, seamcalls: { total: 0 } });
  });

  it("returns 0 where the release failed; leaves then go the slow way", () => {
    const { host, td } = touched("terminate-v4", "TDH.MNG.VPFLUSHDONE:FLUSHVP_NOT_DONE@k=1");
    expect(td.terminateVm()).toMatchObject({ ok: true });
    expect(host.report("a")?.hkid).toBe(65);
    expect(td.close().seamcalls.byLeaf).toMatchObject({ "TDH.MEM.PAGE.REMOVE": 4 });
  });

  it.each([...GENERATIONS.values()].filter(({ terminate }) => terminate === null))(
    "is unknown to $name",
    ({ name }) => {
      const { td } = built("touched", { kernel: name });
      expect(td.terminateVm()).toMatchObject({
        ok: false,
        errno: "EINVAL",
        reason: "no such command",
        seamcalls: { total: 0 },
      });
    },
  );
});

describe("KVM_TDX_RELEASE_VM", () => {
  const without = [...GENERATIONS.values()].filter(
    ({ commands }) => !commands.some(({ name }) => name === "KVM_TDX_RELEASE_VM"),
  );

  it.each(without)("is unknown to $name", ({ name }) => {
    const { td } = built("touched", { kernel: name });
    expect(td.releaseVm()).toMatchObject({
      ok: false,
      errno: "EINVAL",
      reason: "no such command",
      seamcalls: { total: 0 },
    });
  });

  it("is what the strategy hint of a kernel is called by, and no other", () => {
    for (const { commands, strategies } of GENERATIONS.values()) {
      const hasCommand = commands.some(({ name }) => name === "KVM_TDX_RELEASE_VM");
      expect(strategies.some(({ name }) => name === "hint")).toBe(hasCommand);
    }
  });
});

describe("every generation", () => {
  it.each([...GENERATIONS.values()])("$name tears down without a trace", ({ name, strategies }) => {
    for (const { name: strategy } of strategies) {
      const { host, td } = built("touched", { kernel: name });
      td.destroy(strategy);
      expectPristine(host);
    }
  });

  it.each([...GENERATIONS.values()])("$name names its sections and sources", (generation) => {
    expect(generation.section).toMatch(/^[A-D1]/);
    for (const { source } of generation.strategies) expect(source).toContain("kvm-teardown");
    for (const { source } of generation.rules) expect(source).toContain("kvm-teardown");
    expect(new Set(generation.commands.map(({ id }) => id)).size).toBe(generation.commands.length);
  });
});
