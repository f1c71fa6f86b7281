import { describe, expect, it } from "vitest";
import type { HostPages } from "../../src/kvm/host-pages.ts";
import type { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { faulty, recorded } from "../support/faulty-td.ts";
import { built, expectPristine, PAGE } from "../support/td-vm.ts";

function pagesOf(host: SimulatedHost): HostPages {
  return host.kvm({ phase() {}, seamcalls() {}, hostWork() {} }, true).pages;
}

/** Leaves this host `left` free pages for control structures; gives the others back. */
function exhaust(host: SimulatedHost, left: number): () => void {
  const { control } = pagesOf(host);
  const free = control.alloc(left);
  const rest = control.alloc(2 ** 40) ?? expect.unreachable("there are more pages");
  if (free !== null) control.free(free.page, free.count);
  return () => control.free(rest.page, rest.count);
}

const NO_PAGE = {
  ok: false,
  errno: "ENOMEM",
  reason: "no host page for a control structure",
};

describe("KVM_TDX_INIT_VM (kvm-teardown A.2)", () => {
  it("takes one LP of every package for KEY.CONFIG, LP 0 for the rest", () => {
    const { host, td } = built("created", { packages: 2, lps: 4 });
    const { start } = host.snapshot().pages.control;
    const calls = recorded(host);
    td.initVm();
    const tdr = start * PAGE;
    const ofTdr = (leaf: string, lp: number, rdx: bigint) => ({ leaf, lp, rcx: tdr, rdx });
    expect(calls).toMatchObject([
      ofTdr("TDH.MNG.CREATE", 0, 65n),
      ofTdr("TDH.MNG.KEY.CONFIG", 0, 0n),
      ofTdr("TDH.MNG.KEY.CONFIG", 1, 0n),
      ...[1, 2, 3, 4, 5, 6].map((i) => ({
        leaf: "TDH.MNG.ADDCX",
        lp: 0,
        rcx: tdr + i * PAGE,
        rdx: BigInt(tdr),
      })),
      ofTdr("TDH.MNG.INIT", 0, 0x10_0000n),
      // TSC_OFFSET.
      ofTdr("TDH.MNG.RD", 0, 0x1110_0003_0000_000an),
    ]);
  });

  it("of v6.16 reads TSC_MULTIPLIER too", () => {
    const { host, td } = built("created", { kernel: "v6.16" });
    const calls = recorded(host);
    td.initVm();
    const reads = calls.filter(({ leaf }) => leaf === "TDH.MNG.RD");
    expect(reads.map(({ rdx }) => rdx)).toEqual([0x1110_0003_0000_000an, 0x1110_0003_0000_000bn]);
  });
});

describe("KVM_TDX_INIT_VM whose SEAMCALL fails (kvm-teardown A.2)", () => {
  it.each([
    ["TDH.MNG.CREATE", "HKID_NOT_FREE|RDX", 1, "EIO"],
    ["TDH.MNG.KEY.CONFIG", "OPERAND_BUSY|RCX", 1, "EIO"],
    ["TDH.MNG.KEY.CONFIG", "OPERAND_BUSY|RCX", 2, "EIO"],
    ["TDH.MNG.ADDCX", "OPERAND_INVALID|RCX", 1, "EIO"],
    ["TDH.MNG.ADDCX", "OPERAND_INVALID|RCX", 6, "EIO"],
    ["TDH.MNG.INIT", "OPERAND_INVALID|RDX", 1, "EINVAL"],
    ["TDH.MNG.INIT", "TDCX_NUM_INCORRECT", 1, "EIO"],
    ["TDH.MNG.RD", "METADATA_FIELD_NOT_READABLE", 1, "EIO"],
  ])("with %s %s at call %i is refused, and may be tried again", (leaf, status, k, errno) => {
    const { host, td } = faulty("created", { packages: 2 }, `${leaf}:${status}@k=${k}`);
    expect(td.initVm()).toMatchObject({
      ok: false,
      errno,
      leaf,
      status: `TDX_${status}`,
      reason: `${leaf} returned TDX_${status}`,
      statuses: { [`TDX_${status}`]: 1 },
      seamcalls: { byLeaf: { [leaf]: k } },
    });
    expectPristine(host);
    expect(td.initVm()).toMatchObject({ ok: true });
  });

  it("gives an HKID back without a SEAMCALL where there is no TD for it", () => {
    const { td } = faulty("created", {}, "TDH.MNG.CREATE:HKID_NOT_FREE|RDX@k=1");
    expect(td.initVm().seamcalls.total).toBe(1);
  });

  it("of dynamic-pamt in PAMT.ADD is -EIO before MNG.CREATE", () => {
    const { host, td } = faulty(
      "created",
      { kernel: "dynamic-pamt" },
      "TDH.PHYMEM.PAMT.ADD:OPERAND_BUSY@k=1",
    );
    expect(td.initVm()).toMatchObject({
      ok: false,
      errno: "EIO",
      reason: "TDH.PHYMEM.PAMT.ADD returned TDX_OPERAND_BUSY",
      seamcalls: { total: 1 },
    });
    expectPristine(host);
  });
});

describe("a host without pages for control structures", () => {
  it.each([0, 1, 4, 6])("of which it has %i answers INIT_VM with -ENOMEM", (left) => {
    const { host, td } = built("created");
    const refill = exhaust(host, left);
    expect(td.initVm()).toMatchObject(NO_PAGE);
    refill();
    expectPristine(host);
    expect(td.initVm()).toMatchObject({ ok: true });
  });

  it.each([0, 1, 5])("of which it has %i answers INIT_VCPU with -ENOMEM", (left) => {
    const { host, td } = built("initialized");
    td.createVcpu();
    const refill = exhaust(host, left);
    expect(td.initVcpu(0)).toMatchObject(NO_PAGE);
    refill();
    expect(td.close()).toMatchObject({ ok: true });
    expectPristine(host);
  });
});

describe("KVM_TDX_INIT_VCPU whose SEAMCALL fails (kvm-teardown A.2)", () => {
  it.each([
    ["TDH.VP.CREATE", 1],
    ["TDH.VP.ADDCX", 1],
    ["TDH.VP.ADDCX", 5],
    ["TDH.VP.INIT", 1],
    ["TDH.VP.WR", 1],
    ["TDH.VP.WR", 3],
  ])("at %s number %i is -EIO with the VM bugged, and loses no page", (leaf, k) => {
    const { host, td } = faulty("initialized", {}, `${leaf}:OPERAND_INVALID|RCX@k=${k}`);
    td.createVcpu();
    expect(td.initVcpu(0)).toMatchObject({
      ok: false,
      errno: "EIO",
      leaf,
      status: "TDX_OPERAND_INVALID|RCX",
      seamcalls: { byLeaf: { [leaf]: k } },
    });
    expect(td.finalizeVm()).toMatchObject({ errno: "EIO", reason: "the VM is bugged" });
    expect(td.close()).toMatchObject({ ok: true });
    expectPristine(host);
  });
});
