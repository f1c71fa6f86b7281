import { describe, expect, it } from "vitest";
import { built, PAGE } from "../support/td-vm.ts";

/** An ioctl that KVM refuses before it makes a SEAMCALL. */
const refused = (errno: string, reason: string) => ({
  ok: false,
  errno,
  reason,
  seamcalls: { total: 0, byLeaf: {} },
});

describe("KVM_RUN (kvm-teardown A.2, B)", () => {
  it("of a vCPU that was not initialised is -EINVAL", () => {
    const { td } = built("finalized");
    td.createVcpu();
    expect(td.run(2)).toMatchObject(refused("EINVAL", "the vCPU is not initialised"));
    expect(td.run(3)).toMatchObject(refused("EINVAL", "there is no vCPU 3"));
  });

  it("of a TD that is not finalised fails in VP.ENTER on v16", () => {
    const { td } = built("image");
    expect(td.run(0)).toMatchObject({
      ok: true,
      answer: { reason: "KVM_EXIT_INTERNAL_ERROR", status: "TDX_OP_STATE_INCORRECT" },
    });
  });

  it("of a TD that is not finalised is -EINVAL on v6.16", () => {
    const { td } = built("image", { kernel: "v6.16" });
    expect(td.run(0)).toMatchObject(refused("EINVAL", "the TD is not finalised"));
  });

  it("preempts the vCPU that is in the guest on the same LP", () => {
    const { host, td } = built("finalized", { vcpus: 3, lps: 2 });
    for (const vcpu of [0, 1, 2]) {
      expect(td.run(vcpu)).toMatchObject({ ok: true, answer: { reason: "in-guest" } });
    }
    expect(host.module.runningVcpus).toBe(2);
    expect([0, 1, 2].map((vcpu) => td.interrupt(vcpu))).toEqual([false, true, true]);
  });

  it("faults in what the guest touches, once", () => {
    const { host, td } = built("finalized");
    const touched = td.touch({ offset: 0, bytes: 3 * PAGE });
    expect(touched).toMatchObject({
      ok: true,
      answer: { reason: "KVM_EXIT_INTR" },
      // Two of the three pages are the initial image.
      seamcalls: { total: 2, byLeaf: { "TDH.MEM.PAGE.AUG": 1, "TDH.VP.ENTER": 1 } },
    });
    expect(td.touch({ offset: PAGE, bytes: 2 * PAGE })).toMatchObject({ seamcalls: { total: 0 } });
    expect(host.report("a")).toMatchObject({ privatePages: { "4K": 3 } });
  });

  it("of a guest that touches pages it does not have is -EFAULT", () => {
    const { td } = built("finalized");
    const nothing = refused("EFAULT", "the guest has no memory there");
    expect(td.touch({ offset: 3 * PAGE, bytes: 2 * PAGE })).toMatchObject(nothing);
    expect(td.touch({ offset: -PAGE, bytes: PAGE })).toMatchObject(nothing);
  });
});
