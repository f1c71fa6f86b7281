import { describe, expect, it } from "vitest";
import { injectFaults } from "../support/faulty-td.ts";
import { vmOf } from "../support/kvm-side.ts";
import { type Built, buildOn, built, expectPristine, PAGE, type Stage } from "../support/td-vm.ts";

/** Two TDVPR and ten TDVPX pages, six TDCX pages, the TDR. */
const CONTROL_PAGES = 19;
const KEYS_NOT_CONFIGURED = "TDX_TD_KEYS_NOT_CONFIGURED";

function released(stage: Stage): Built {
  const { host, td } = built(stage);
  expect(td.releaseVm()).toMatchObject({ ok: true });
  return { host, td };
}

describe("KVM_TDX_RELEASE_VM (kvm-teardown C.4)", () => {
  it("releases the HKID and reclaims private and Secure EPT pages", () => {
    const { host, td } = built("touched");
    const { hkid } = host.report("a") ?? {};
    const answer = td.releaseVm();
    expect(answer).toMatchObject({ ok: true, ioctl: "KVM_TDX_RELEASE_VM" });
    expect(answer.seamcalls).toEqual({
      total: 12,
      byLeaf: {
        "TDH.VP.FLUSH": 2,
        "TDH.MNG.VPFLUSHDONE": 1,
        "TDH.PHYMEM.CACHE.WB": 1,
        "TDH.MNG.KEY.FREEID": 1,
        "TDH.PHYMEM.PAGE.RECLAIM": 4 + 3,
      },
    });
    expect(answer.phases.map(({ phase }) => phase)).toEqual([
      "release-hkid",
      "reclaim-private",
      "reclaim-sept",
    ]);
    expect(hkid).toBe(65);
    expect(vmOf(host).state).toMatchObject({ hkid: null, hkidRelease: "released" });
    expect(host.report("a")).toMatchObject({ hkid: null, privatePages: { "4K": 0 }, septPages: 0 });
  });

  it("leaves the control pages until file descriptors are closed", () => {
    const { host, td } = released("touched");
    expect(host.report("a")).toMatchObject({
      controlPages: CONTROL_PAGES,
      lifecycle: "TD_TEARDOWN",
    });
    expect(td.close().seamcalls.byLeaf).toEqual({
      "TDH.PHYMEM.PAGE.RECLAIM": CONTROL_PAGES,
      "TDH.PHYMEM.PAGE.WBINVD": 1,
    });
    expectPristine(host);
  });

  it("and close make the SEAMCALLs of the strategy hint", () => {
    const whole = built("touched").td.destroy("hint");
    const { td } = built("touched");
    const parts = [...td.releaseVm().phases, ...td.close().phases];
    expect(parts).toEqual(whole.phases);
  });

  it("makes no SEAMCALL before INIT_VM and returns 0", () => {
    const { td } = built("created");
    expect(td.releaseVm()).toMatchObject({ ok: true, seamcalls: { total: 0 } });
    expect(td.initVm()).toMatchObject({ ok: true });
  });

  it.each([
    ["initialized", 3],
    ["vcpus", 5],
    ["image", 10],
    ["finalized", 10],
  ] as const)("works on a TD that is only %s", (stage, total) => {
    const { host, td } = built(stage);
    expect(td.releaseVm()).toMatchObject({ ok: true, seamcalls: { total } });
    expect(td.close()).toMatchObject({ ok: true });
    expectPristine(host);
  });

  it("given again makes no SEAMCALL and returns 0", () => {
    const { td } = released("touched");
    expect(td.releaseVm()).toMatchObject({ ok: true, seamcalls: { total: 0 } });
  });

  it("leaves only control pages to a later process exit", () => {
    const { host, td } = released("touched");
    const exit = td.destroy("exit");
    expect(exit.phases.map(({ phase }) => phase)).toEqual(["reclaim-control"]);
    expectPristine(host);
  });

  it("is the same in v17 and v18", () => {
    const [v16, v17, v18] = (["v16", "v17", "v18"] as const).map((kernel) => {
      return built("touched", { kernel }).td.releaseVm();
    });
    expect(v17).toEqual(v16);
    expect(v18).toEqual(v16);
  });

  it("is unknown to v19", () => {
    const { td } = built("touched", { kernel: "v19" });
    expect(td.releaseVm()).toMatchObject({ ok: false, errno: "EINVAL", seamcalls: { total: 0 } });
  });

  it("returns 0 also where the HKID was not freed; then every MEM call fails", () => {
    const { host, td } = built("touched");
    injectFaults(host, "TDH.MNG.KEY.FREEID:OPERAND_BUSY@k=1");
    const answer = td.releaseVm();
    expect(answer).toMatchObject({ ok: true, statuses: { [KEYS_NOT_CONFIGURED]: 4 } });
    expect(answer.seamcalls.byLeaf).toMatchObject({ "TDH.MEM.RANGE.BLOCK": 4 });
    expect(host.report("a")).toMatchObject({ hkid: 65, lifecycle: "TD_BLOCKED", pagesLeaked: 7 });
  });

  it("returns 0 also where vCPUs were not flushed; then leaves go the slow way", () => {
    const { host, td } = built("touched");
    injectFaults(host, "TDH.MNG.VPFLUSHDONE:OPERAND_BUSY@k=1");
    const answer = td.releaseVm();
    expect(answer).toMatchObject({ ok: true });
    expect(answer.phases.at(-1)?.seamcalls.byLeaf).toEqual({
      "TDH.MEM.RANGE.BLOCK": 4,
      "TDH.MEM.TRACK": 4,
      "TDH.MEM.PAGE.REMOVE": 4,
      "TDH.PHYMEM.PAGE.WBINVD": 4,
    });
    // The three Secure EPT pages hit KVM_BUG_ON.
    expect(host.report("a")).toMatchObject({ hkid: 65, pagesLeaked: 3, septPages: 0 });
  });

  it("that left the HKID behind leaves it behind for good", () => {
    const { host, td } = built("touched");
    injectFaults(host, "TDH.MNG.KEY.FREEID:OPERAND_BUSY@k=1");
    td.releaseVm();
    expect(td.close()).toMatchObject({
      ok: true,
      statuses: { TDX_LIFECYCLE_STATE_INCORRECT: 1 },
    });
    // Private pages, Secure EPT pages and with the HKID assigned every control page.
    expect(host.report("a")).toMatchObject({ hkid: 65, pagesLeaked: 7 + CONTROL_PAGES });
    expect(host.snapshot().hkidsUsed).toEqual([65]);
  });

  it("of a bugged VM is refused by generic KVM", () => {
    const { td } = built("vcpus");
    td.createVcpu();
    expect(td.initVcpu(2)).toMatchObject({ ok: false, errno: "EIO" });
    expect(td.releaseVm()).toMatchObject({ ok: false, errno: "EIO", seamcalls: { total: 0 } });
  });

  it("does not touch the other TDs of the host", () => {
    const { host, td } = built("touched");
    const other = buildOn(host, "b", "touched");
    const before = host.report("b");
    td.releaseVm();
    expect(host.report("b")).toEqual(before);
    expect(other.run(0)).toMatchObject({ ok: true, answer: { reason: "in-guest" } });
  });
});

describe("after KVM_TDX_RELEASE_VM (kvm-teardown C.4)", () => {
  it("FINALIZE_VM is refused: there is no HKID", () => {
    const { td } = released("image");
    expect(td.finalizeVm()).toMatchObject({ ok: false, errno: "EINVAL", seamcalls: { total: 0 } });
  });

  it("INIT_VCPU is refused: there is no HKID", () => {
    const { td } = released("vcpus");
    td.createVcpu();
    expect(td.initVcpu(2)).toMatchObject({ ok: false, errno: "EINVAL", seamcalls: { total: 0 } });
  });

  it("INIT_MEM_REGION fails at its first SEAMCALL and the VM is bugged", () => {
    const { host, td } = released("image");
    expect(td.initMemRegion({ gpa: 0, pages: 1 })).toMatchObject({
      ok: false,
      errno: "EIO",
      leaf: "TDH.MEM.SEPT.ADD",
      status: KEYS_NOT_CONFIGURED,
      seamcalls: { total: 1 },
    });
    expect(td.finalizeVm()).toMatchObject({ ok: false, errno: "EIO", seamcalls: { total: 0 } });
    expect(td.close()).toMatchObject({ ok: true });
    expectPristine(host);
  });

  it("INIT_VM with vCPUs is refused", () => {
    const { td } = released("vcpus");
    expect(td.initVm()).toMatchObject({ ok: false, errno: "EBUSY", seamcalls: { total: 0 } });
  });

  it("INIT_VM without vCPUs builds a second TD and leaks the first", () => {
    const { host, td } = released("initialized");
    expect(td.initVm()).toMatchObject({ ok: true, seamcalls: { total: 10 } });
    expect(host.report("a")).toMatchObject({ hkid: 65, pagesLeaked: 7 });
    const { start } = host.snapshot().pages.control;
    expect(vmOf(host).state.leaked).toEqual([{ pfn: start, pages: 7, what: "control page" }]);
    expect(td.close()).toMatchObject({ ok: true });
    expect(host.module.tds.size).toBe(1);
    expect(host.snapshot().hkidsUsed).toEqual([]);
  });

  it("KVM_RUN comes back with an internal error and the status", () => {
    const { host, td } = released("touched");
    const failedEntry = {
      ok: true,
      answer: {
        reason: "KVM_EXIT_INTERNAL_ERROR",
        suberror: "KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON",
        data0: "0x8000081000000000",
        status: KEYS_NOT_CONFIGURED,
      },
      statuses: { [KEYS_NOT_CONFIGURED]: 1 },
    };
    expect(td.run(1)).toMatchObject(failedEntry);
    expect(td.touch({ offset: 0, bytes: PAGE })).toMatchObject(failedEntry);
    expect(host.module.runningVcpus).toBe(0);
  });
});

describe("a vCPU that runs during KVM_TDX_RELEASE_VM", () => {
  it("is kicked out of the guest by the IPI that flushes it", () => {
    const { host, td } = built("touched");
    expect(td.run(0)).toMatchObject({ answer: { reason: "in-guest" } });
    expect(td.run(1)).toMatchObject({ answer: { reason: "in-guest" } });
    expect(td.releaseVm()).toMatchObject({
      ok: true,
      hostWork: { ipis: 2, vcpuKicks: 0 },
      statuses: { TDX_SUCCESS: 12 },
    });
    expect(host.module.runningVcpus).toBe(0);
    expect(td.interrupt(0)).toBe(false);
    td.close();
    expectPristine(host);
  });

  it("of another TD stays in the guest", () => {
    const { host, td } = built("touched");
    const other = buildOn(host, "b", "touched");
    expect(other.run(0)).toMatchObject({ answer: { reason: "in-guest" } });
    expect(td.releaseVm()).toMatchObject({ ok: true, hostWork: { ipis: 2 } });
    expect(other.interrupt(0)).toBe(true);
  });

  it("is flushed also when it had left the guest before", () => {
    const { td } = built("touched");
    td.run(1);
    expect(td.interrupt(1)).toBe(true);
    expect(td.interrupt(1)).toBe(false);
    expect(td.releaseVm()).toMatchObject({ ok: true, statuses: { TDX_SUCCESS: 12 } });
  });
});
