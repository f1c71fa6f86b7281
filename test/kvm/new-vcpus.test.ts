import { describe, expect, it } from "vitest";
import { releaseHkid } from "../../src/kvm/teardown/release-hkid.ts";
import { createVcpu, initVcpus } from "../../src/kvm/vcpu.ts";
import type { TdOptions } from "../../src/lab/td-options.ts";
import { type Call, injectFaults, recorded } from "../support/faulty-td.ts";
import { kvmOf, returned, vmOf } from "../support/kvm-side.ts";
import { built, expectPristine, PAGE } from "../support/td-vm.ts";

/** TDVPR and TDVPX pages of a vCPU. */
const PAGES = 6;

/** An initialised TD with vCPUs that KVM_CREATE_VCPU made, and no more. */
function created(vcpus: number, options: Partial<TdOptions> = {}) {
  const made = built("initialized", { vcpus, ...options });
  const vm = vmOf(made.host);
  for (let i = 0; i < vcpus; i++) createVcpu(vm);
  return { ...made, vm, vcpus: vm.state.vcpus, calls: recorded(made.host) };
}

/** vCPUs whose VP.CREATE, or another leaf, was one call: LP of the first, and how many. */
function rows(calls: readonly Call[], leaf = "TDH.VP.CREATE") {
  return calls.filter((call) => call.leaf === leaf).map(({ lp, count }) => [lp, count]);
}

describe("KVM_TDX_INIT_VCPU of several vCPUs", () => {
  it("whose pages and LPs follow each other is made in one go, after the first", () => {
    const { host, vm, vcpus, calls } = created(4);
    const { next } = host.snapshot().pages.control;
    expect(initVcpus(kvmOf(host), vm, vcpus)).toBeNull();
    const tdvpr = next + PAGES;
    expect(
      calls.slice(10).map(({ leaf, lp, rcx, count }) => [leaf, lp, rcx / PAGE, count]),
    ).toEqual([
      ["TDH.VP.CREATE", 1, tdvpr, 3],
      ["TDH.VP.ADDCX", 1, tdvpr + 1, 3 * 5],
      ["TDH.VP.INIT", 1, tdvpr, 3],
      ["TDH.VP.WR", 1, tdvpr, 3],
      ["TDH.VP.WR", 1, tdvpr, 3],
      ["TDH.VP.WR", 1, tdvpr, 3],
    ]);
    expect(vcpus.map(({ cpu, isInitialized }) => [cpu, isInitialized])).toEqual(
      [0, 1, 2, 3].map((lp) => [lp, true]),
    );
    expect(vcpus.map((vcpu) => [vcpu.tdvpr, ...vcpu.tdvpx])).toEqual(
      [0, 1, 2, 3].map((i) => [0, 1, 2, 3, 4, 5].map((page) => next + i * PAGES + page)),
    );
  });

  it("begins anew where the LPs are used up", () => {
    const { host, vm, vcpus, calls } = created(8, { lps: 3 });
    expect(initVcpus(kvmOf(host), vm, vcpus)).toBeNull();
    expect(rows(calls)).toEqual([
      [0, 1],
      [1, 2],
      [0, 3],
      [0, 2],
    ]);
    expect(vcpus.map(({ cpu }) => cpu)).toEqual([0, 1, 2, 0, 1, 2, 0, 1]);
  });

  it("begins anew where vCPUs are left out", () => {
    const { host, vm, vcpus, calls } = created(6);
    const [a, b, , d, e, f] = vcpus;
    const some = [a, b, d, e, f].map((vcpu) => vcpu ?? expect.unreachable());
    expect(initVcpus(kvmOf(host), vm, some)).toBeNull();
    expect(rows(calls)).toEqual([
      [0, 1],
      [1, 1],
      [3, 3],
    ]);
    expect(vcpus.map(({ cpu }) => cpu)).toEqual([0, 1, -1, 3, 4, 5]);
  });

  it("makes those before one that was initialised already, and is -EINVAL there", () => {
    const { host, vm, vcpus } = created(4);
    const third = vcpus[2] ?? expect.unreachable();
    expect(initVcpus(kvmOf(host), vm, [third])).toBeNull();
    const again = recorded(host);
    expect(initVcpus(kvmOf(host), vm, vcpus)).toEqual({
      errno: "EINVAL",
      ioctl: "KVM_TDX_INIT_VCPU",
      reason: "the vCPU is initialised already",
    });
    expect(rows(again)).toEqual([[0, 2]]);
    expect(vcpus.map(({ isInitialized }) => isInitialized)).toEqual([true, true, true, false]);
  });

  it("takes pages wherever there are any", () => {
    const { host, td, vm, vcpus } = created(5);
    const { control } = kvmOf(host).pages;
    // Pieces for less than a vCPU, for two and a part, for less than one, and then the rest.
    const held = [4, 14, 3].map((pages) => control.alloc(pages + 1) ?? expect.unreachable());
    for (const { page, count } of held) control.free(page, count - 1);
    expect(initVcpus(kvmOf(host), vm, vcpus)).toBeNull();
    const pages = vcpus.flatMap(({ tdvpr, tdvpx }) => [tdvpr, ...tdvpx]);
    expect(new Set(pages).size).toBe(5 * PAGES);
    const used = new Set(held.map(({ page, count }) => page + count - 1));
    expect(pages.some((page) => used.has(page ?? -1))).toBe(false);
    td.close();
    for (const page of used) control.free(page, 1);
    expectPristine(host);
  });

  it("of dynamic-pamt asks for PAMT pages once a region, and takes no page of another", () => {
    const { host, td, vm, vcpus, calls } = created(100, { kernel: "dynamic-pamt" });
    expect(initVcpus(kvmOf(host), vm, vcpus)).toBeNull();
    expect(calls.filter(({ leaf }) => leaf === "TDH.PHYMEM.PAMT.ADD")).toHaveLength(1);
    td.close();
    expectPristine(host);
  });

  it("of dynamic-pamt without PAMT pages is -EIO and takes none", () => {
    const { host, vm, vcpus } = created(100, { kernel: "dynamic-pamt" });
    injectFaults(host, "TDH.PHYMEM.PAMT.ADD:OPERAND_BUSY@k=1");
    expect(initVcpus(kvmOf(host), vm, vcpus)).toMatchObject({
      errno: "EIO",
      ioctl: "KVM_TDX_INIT_VCPU",
      leaf: "TDH.PHYMEM.PAMT.ADD",
    });
    // Those before it have all that they need.
    const made = vcpus.filter(({ isInitialized }) => isInitialized).length;
    expect(made).toBe(Math.floor((512 - 7) / PAGES));
    expect(host.snapshot().pages.control).toMatchObject({ freed: [] });
    expect(vm.state.isBugged).toBe(false);
  });

  it.each([
    { leaf: "TDH.VP.CREATE", k: 3, given: 0, cpu: -1 },
    { leaf: "TDH.VP.ADDCX", k: 2 * 5 + 1, given: 1, cpu: -1 },
    { leaf: "TDH.VP.ADDCX", k: 2 * 5 + 4, given: 4, cpu: -1 },
    { leaf: "TDH.VP.INIT", k: 3, given: 6, cpu: -1 },
    { leaf: "TDH.VP.WR", k: 2 * 3 + 1, given: 6, cpu: 2 },
    { leaf: "TDH.VP.WR", k: 2 * 3 + 3, given: 6, cpu: 2 },
  ])("that fails in $leaf number $k leaves the third vCPU $given pages", (failure) => {
    const { leaf, k, given, cpu } = failure;
    const { host, td, vm, vcpus } = created(5);
    const { next } = host.snapshot().pages.control;
    injectFaults(host, `${leaf}:OPERAND_INVALID|RCX@k=${k}`);
    expect(initVcpus(kvmOf(host), vm, vcpus)).toEqual({
      errno: "EIO",
      ioctl: "KVM_TDX_INIT_VCPU",
      leaf,
      status: "TDX_OPERAND_INVALID|RCX",
      reason: `${leaf} returned TDX_OPERAND_INVALID|RCX`,
    });
    expect(vm.state.isBugged).toBe(true);
    const pages = vcpus.map(({ tdvpr, tdvpx }) => tdvpx.length + (tdvpr === null ? 0 : 1));
    expect(pages).toEqual([PAGES, PAGES, given, 0, 0]);
    expect(vcpus.map((vcpu) => vcpu.cpu)).toEqual([0, 1, cpu, -1, -1]);
    expect(vcpus.map(({ isInitialized }) => isInitialized)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(host.snapshot().pages.control).toMatchObject({
      next: next + 2 * PAGES + given,
      freed: [],
    });
    td.close();
    expectPristine(host);
  });
});

describe("flushing vCPUs (kvm-teardown C.2)", () => {
  /** What releasing the HKID of these vCPUs flushes: LP of the first, and how many, by call. */
  function flushed(
    vcpus: number,
    options: Partial<TdOptions>,
    change: (made: ReturnType<typeof created>) => void = () => {},
  ) {
    const made = created(vcpus, options);
    const { host, vm } = made;
    expect(initVcpus(kvmOf(host), vm, made.vcpus)).toBeNull();
    expect(made.td.finalizeVm()).toMatchObject({ ok: true });
    change(made);
    const calls = recorded(host);
    returned(releaseHkid(kvmOf(host), vm));
    expect(vm.state.hkid).toBeNull();
    expect(made.vcpus.every(({ cpu }) => cpu === -1)).toBe(true);
    expect(host.module.runningVcpus).toBe(0);
    return rows(calls, "TDH.VP.FLUSH");
  }

  it("that follow each other is one call", () => {
    expect(flushed(5, {})).toEqual([[0, 5]]);
    expect(flushed(1, {})).toEqual([[0, 1]]);
  });

  it("begins anew where the LPs do", () => {
    expect(flushed(5, { lps: 3 })).toEqual([
      [0, 3],
      [0, 2],
    ]);
  });

  it("begins anew with a vCPU that is in the guest, which leaves it", () => {
    const running = ({ td }: ReturnType<typeof created>): void => {
      expect(td.run(2)).toMatchObject({ ok: true, answer: { reason: "in-guest" } });
    };
    // Those before it go one by one while it may change what they find.
    expect(flushed(5, {}, running)).toEqual([
      [0, 1],
      [1, 1],
      [2, 3],
    ]);
  });

  it.each([
    ["is one call at process exit, for all of its threads are gone", "exit", [[0, 5]]],
    [
      "finds one in the guest where the process lives",
      "hint",
      [
        [0, 1],
        [1, 1],
        [2, 3],
      ],
    ],
  ])("%s", (_, strategy, expected) => {
    const { host, td, vm, vcpus } = created(5);
    expect(initVcpus(kvmOf(host), vm, vcpus)).toBeNull();
    td.finalizeVm();
    td.run(2);
    const calls = recorded(host);
    expect(td.destroy(strategy)).toMatchObject({ ok: true, hostWork: { ipis: 5 } });
    expect(rows(calls, "TDH.VP.FLUSH")).toEqual(expected);
  });

  it("begins anew behind a vCPU that was never made", () => {
    const { host, vm, vcpus } = created(5);
    const some = vcpus.filter(({ index }) => index !== 1 && index !== 3);
    expect(initVcpus(kvmOf(host), vm, some)).toBeNull();
    const calls = recorded(host);
    returned(releaseHkid(kvmOf(host), vm));
    expect(rows(calls, "TDH.VP.FLUSH")).toEqual([
      [0, 1],
      [2, 1],
      [4, 1],
    ]);
  });
});
