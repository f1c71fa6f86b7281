import { describe, expect, it } from "vitest";
import { DEFAULT_PROFILE } from "../../src/cost/profiles/index.ts";
import { TdVm } from "../../src/lab/ioctls.ts";
import { createTd, populateTd } from "../../src/lab/lifecycle.ts";
import { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { resolveTdOptions } from "../../src/lab/td-options.ts";
import { moduleToJSON } from "../../src/module/snapshot.ts";
import { recorded } from "../support/faulty-td.ts";
import { buildOn, built, expectPristine, PAGE, SMALL, STAGES } from "../support/td-vm.ts";

const SESSION = { step: false, profile: DEFAULT_PROFILE, seed: 1 };
/** An ioctl that KVM refuses before it makes a SEAMCALL. */
const refused = (errno: string, reason: string) => ({
  ok: false,
  errno,
  reason,
  seamcalls: { total: 0, byLeaf: {} },
});

describe("KVM_TDX_INIT_VM (kvm-teardown A.2)", () => {
  it("creates the TD, configures a key a package, adds TDCX pages, initialises, reads TSC_OFFSET", () => {
    const { td } = built("created", { packages: 3 });
    expect(td.initVm()).toMatchObject({
      ok: true,
      ioctl: "KVM_TDX_INIT_VM",
      seamcalls: {
        total: 12,
        byLeaf: {
          "TDH.MNG.CREATE": 1,
          "TDH.MNG.KEY.CONFIG": 3,
          "TDH.MNG.ADDCX": 6,
          "TDH.MNG.INIT": 1,
          "TDH.MNG.RD": 1,
        },
      },
    });
  });

  it("of an initialised TD is -EINVAL", () => {
    expect(built("initialized").td.initVm()).toMatchObject(
      refused("EINVAL", "the TD is initialised already"),
    );
  });

  it("after KVM_CREATE_VCPU is -EBUSY", () => {
    const { td } = built("created");
    expect(td.createVcpu()).toMatchObject({ ok: true, answer: 0, seamcalls: { total: 0 } });
    expect(td.initVm()).toMatchObject(refused("EBUSY", "a vCPU was created already"));
  });

  it("finds no HKID for the 64th TD, until one of the others is gone", () => {
    const { host, td: first } = built("initialized");
    for (let made = 1; made < 63; made++) buildOn(host, `td-${made}`, "initialized");
    const last = buildOn(host, "last", "created");
    expect(last.initVm()).toMatchObject(refused("ENOSPC", "every HKID for TDs is in use"));
    expect(first.close()).toMatchObject({ ok: true });
    expect(last.initVm()).toMatchObject({ ok: true });
    expect(host.report("last")).toMatchObject({ hkid: 65 });
  });
});

describe("KVM_CREATE_VCPU (kvm-teardown A.2)", () => {
  it("of v16 does not look at the TD", () => {
    expect(built("created").td.createVcpu()).toMatchObject({ ok: true, answer: 0 });
    expect(built("finalized").td.createVcpu()).toMatchObject({ ok: true, answer: 2 });
  });

  it("of v6.16 is -EIO before INIT_VM", () => {
    const { td } = built("created", { kernel: "v6.16" });
    expect(td.createVcpu()).toMatchObject(refused("EIO", "the TD is not initialised"));
    td.initVm();
    expect(td.createVcpu()).toMatchObject({ ok: true, answer: 0 });
  });
});

describe("KVM_TDX_INIT_VCPU (kvm-teardown A.2)", () => {
  it("creates the vCPU, adds TDVPX pages, initialises, writes three fields", () => {
    const { td } = built("initialized");
    td.createVcpu();
    expect(td.initVcpu(0).seamcalls.byLeaf).toEqual({
      "TDH.VP.CREATE": 1,
      "TDH.VP.ADDCX": 5,
      "TDH.VP.INIT": 1,
      "TDH.VP.WR": 3,
    });
  });

  it("writes the posted-interrupt vector, the vCPU's own descriptor, and the bit that is for it", () => {
    const { host, td } = built("initialized");
    const calls = recorded(host);
    for (const vcpu of [0, 1]) {
      td.createVcpu();
      td.initVcpu(vcpu);
    }
    const writes = calls.filter(({ leaf }) => leaf === "TDH.VP.WR");
    const context = 2n << 52n;
    expect(writes.map(({ lp, rdx, r8 }) => [lp, rdx - context, r8])).toEqual([
      [0, 0x0002n, 0xf2n],
      [0, 0x2016n, 0x20_0000n],
      [0, 0x4000n, 0x80n],
      [1, 0x0002n, 0xf2n],
      [1, 0x2016n, 0x20_0040n],
      [1, 0x4000n, 0x80n],
    ]);
  });

  it.each([
    ["without KVM_CREATE_VCPU", "initialized", 0, "there is no vCPU 0"],
    ["of an initialised vCPU", "vcpus", 0, "the vCPU is initialised already"],
    ["of a finalised TD", "finalized", 2, "the TD is finalised"],
  ] as const)("%s is -EINVAL", (_, stage, vcpu, reason) => {
    const { td } = built(stage);
    if (stage === "finalized") td.createVcpu();
    expect(td.initVcpu(vcpu)).toMatchObject(refused("EINVAL", reason));
  });

  it("before INIT_VM is -EINVAL: there is no HKID", () => {
    const { td } = built("created");
    td.createVcpu();
    expect(td.initVcpu(0)).toMatchObject(refused("EINVAL", "the TD has no HKID"));
  });

  it("of more vCPUs than the TD was made for fails in VP.INIT, and the VM is bugged", () => {
    const { host, td } = built("vcpus");
    td.createVcpu();
    expect(td.initVcpu(2)).toMatchObject({
      ok: false,
      errno: "EIO",
      leaf: "TDH.VP.INIT",
      status: "TDX_MAX_VCPUS_EXCEEDED",
      reason: "TDH.VP.INIT returned TDX_MAX_VCPUS_EXCEEDED",
    });
    expect(td.finalizeVm()).toMatchObject(refused("EIO", "the VM is bugged"));
    expect(td.close()).toMatchObject({ ok: true });
    expectPristine(host);
  });
});

describe("KVM_TDX_INIT_MEM_REGION (kvm-teardown A.2)", () => {
  it("adds the missing tables, then adds and measures page by page", () => {
    const { td } = built("vcpus");
    expect(td.initMemRegion({ gpa: 0, pages: 2 }).seamcalls.byLeaf).toEqual({
      "TDH.MEM.SEPT.ADD": 3,
      "TDH.MEM.PAGE.ADD": 2,
      "TDH.MR.EXTEND": 32,
    });
    expect(td.initMemRegion({ gpa: 2 * PAGE, pages: 1 }).seamcalls.byLeaf).toEqual({
      "TDH.MEM.PAGE.ADD": 1,
      "TDH.MR.EXTEND": 16,
    });
  });

  it("without a vCPU is -EINVAL", () => {
    const { td } = built("initialized");
    const answer = td.initMemRegion({ gpa: 0, pages: 1 });
    expect(answer).toMatchObject(refused("EINVAL", "there is no vCPU"));
  });

  it("of a finalised TD is -EINVAL", () => {
    const { td } = built("finalized");
    const answer = td.initMemRegion({ gpa: 0, pages: 1 });
    expect(answer).toMatchObject(refused("EINVAL", "the TD is finalised"));
  });

  const notWhole = "the region is no range of whole pages";
  it.each([
    { gpa: 0, pages: 0, reason: "the region is empty" },
    { gpa: 0, pages: -1, reason: "the region is empty" },
    { gpa: 0, pages: 0.5, reason: notWhole },
    { gpa: 1, pages: 1, reason: notWhole },
    { gpa: -PAGE, pages: 1, reason: notWhole },
    { gpa: Number.NaN, pages: 1, reason: notWhole },
  ])("of gpa $gpa and $pages pages is -EINVAL", ({ reason, ...region }) => {
    expect(built("vcpus").td.initMemRegion(region)).toMatchObject(refused("EINVAL", reason));
  });

  it("does not look for an HKID: before INIT_VM its first SEAMCALL fails", () => {
    const { td } = built("created");
    td.createVcpu();
    expect(td.initMemRegion({ gpa: 0, pages: 1 })).toMatchObject({
      ok: false,
      errno: "EIO",
      leaf: "TDH.MEM.SEPT.ADD",
      seamcalls: { total: 1 },
    });
  });
});

describe("KVM_TDX_FINALIZE_VM (kvm-teardown A.2)", () => {
  it.each([
    ["without an HKID", "created", "the TD has no HKID"],
    ["of a finalised TD", "finalized", "the TD is finalised already"],
  ] as const)("%s is -EINVAL", (_, stage, reason) => {
    expect(built(stage).td.finalizeVm()).toMatchObject(refused("EINVAL", reason));
  });

  it("without a vCPU fails in MR.FINALIZE, and may be tried again with one", () => {
    const { td } = built("initialized");
    expect(td.finalizeVm()).toMatchObject({
      ok: false,
      errno: "EIO",
      leaf: "TDH.MR.FINALIZE",
      status: "TDX_NO_VCPUS",
    });
    td.createVcpu();
    td.initVcpu(0);
    expect(td.finalizeVm()).toMatchObject({ ok: true, seamcalls: { total: 1 } });
  });
});

describe("a TD built by ioctls", () => {
  it("is the TD that createTd and populateTd build", async () => {
    const options = resolveTdOptions({ ...SMALL, initialImageBytes: 2 * PAGE });
    const { host } = built("touched", options);
    const other = SimulatedHost.boot(options);
    await createTd(other, "a", options, SESSION);
    await populateTd(other, "a", { finalize: true }, SESSION);
    expect(moduleToJSON(host.module)).toEqual(moduleToJSON(other.module));
    expect(host.report("a")).toEqual(other.report("a"));
  });

  it("is the same call by call and in spans", () => {
    const options = { memoryBytes: 600 * PAGE };
    const [spans, singly] = [built("touched", options), built("touched", options, { step: true })];
    expect(singly.host.snapshot()).toEqual(spans.host.snapshot());
    expect(singly.td.close()).toEqual(spans.td.close());
    expect(singly.host.snapshot()).toEqual(spans.host.snapshot());
  });

  it.each(STAGES.flatMap((stage) => ["runtime", "exit", "hint"].map((by) => ({ stage, by }))))(
    "leaves nothing behind when it is only $stage and destroyed by $by",
    ({ stage, by }) => {
      const { host, td } = built(stage);
      expect(td.destroy(by)).toMatchObject({ ok: true });
      expectPristine(host);
    },
  );

  it("can be taken up on a clone of its host", () => {
    const { host, td } = built("touched");
    const clone = host.clone();
    TdVm.open(clone, "a").close();
    expectPristine(clone);
    expect(td.run(0)).toMatchObject({ ok: true, answer: { reason: "in-guest" } });
  });

  it("has a name of its own on the host", () => {
    const { host } = built("initialized");
    expect(() => TdVm.create(host, "a")).toThrow("KVM_TDX_INIT_VM failed with -EINVAL");
    expect(() => TdVm.open(host, "b")).toThrow("there is no TD b");
  });
});

describe("a destroyed TD", () => {
  it("answers -EIO to every ioctl", () => {
    const { td } = built("touched");
    td.close();
    const answers = [
      td.initVm(),
      td.createVcpu(),
      td.initVcpu(0),
      td.initMemRegion({ gpa: 0, pages: 1 }),
      td.finalizeVm(),
      td.run(0),
      td.touch({ offset: 0, bytes: PAGE }),
      td.releaseVm(),
      td.terminateVm(),
      td.destroy("hint"),
      td.close(),
    ];
    const destroyed = refused("EIO", "the VM is destroyed");
    for (const answer of answers) expect(answer).toMatchObject(destroyed);
  });

  it("has given its HKID and pages to the next one", () => {
    const { host, td } = built("touched");
    const before = host.report("a");
    td.destroy("hint");
    buildOn(host, "b", "touched");
    expect(host.report("b")).toMatchObject({ hkid: before?.hkid, septPages: before?.septPages });
  });
});
