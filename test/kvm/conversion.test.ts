import { describe, expect, it } from "vitest";
import { DEFAULT_PROFILE } from "../../src/cost/profiles/index.ts";
import { punchHole } from "../../src/kvm/convert.ts";
import { parseFault } from "../../src/lab/faults/fault-plan.ts";
import { convertTd, punchTd } from "../../src/lab/guest-life.ts";
import { createTd, populateTd } from "../../src/lab/lifecycle.ts";
import { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { resolveTdOptions, type TdOptions } from "../../src/lab/td-options.ts";
import type { TdReport } from "../../src/lab/td-report.ts";
import { destroyTd } from "../../src/lab/teardown.ts";
import { checkInvariants } from "../../src/module/invariants.ts";
import { injectFaults, recorded } from "../support/faulty-td.ts";
import { kvmOf, returned, vmOf } from "../support/kvm-side.ts";
import { expectPristine, PAGE } from "../support/td-vm.ts";

const MIB_2 = 2 ** 21;
const SESSION = { step: false, profile: DEFAULT_PROFILE, seed: 1 };
const ATTRIBUTES = "KVM_SET_MEMORY_ATTRIBUTES";
const HOLE = "fallocate(PUNCH_HOLE)";

/** A TD with all of its memory mapped, and what the guest and its VMM do to it. */
class LivedTd {
  readonly host: SimulatedHost;
  #report: TdReport | null = null;
  #before: Record<string, number> = {};

  private constructor(host: SimulatedHost) {
    this.host = host;
  }

  static async populated(given: Partial<TdOptions>): Promise<LivedTd> {
    const options = resolveTdOptions({ memoryBytes: 8 * PAGE, vcpus: 1, ...given });
    const td = new LivedTd(SimulatedHost.boot(options));
    await createTd(td.host, "a", options, SESSION);
    await td.touchAll();
    return td;
  }

  async touchAll(): Promise<void> {
    this.#note(await populateTd(this.host, "a", { finalize: true }, SESSION));
  }

  async convert(to: "shared" | "private", at: number, bytes: number): Promise<void> {
    this.#note(await convertTd(this.host, "a", { to, at, bytes }, SESSION));
  }

  async punch(at: number, bytes: number, ...faults: readonly string[]): Promise<void> {
    const plans = faults.map((text) => parseFault(text, true));
    const session = plans.length === 0 ? SESSION : { ...SESSION, faults: { plans, seed: 1 } };
    this.#note(await punchTd(this.host, "a", { at, bytes }, session));
  }

  #note(report: TdReport): void {
    expect(checkInvariants(this.host.module)).toEqual([]);
    this.#before = Object.fromEntries(Object.entries(this.#flat()));
    this.#report = report;
  }

  #flat(): Record<string, number> {
    const rows = (this.#report?.ioctls ?? []).flatMap(({ ioctl, seamcalls }) =>
      Object.entries(seamcalls.byLeaf).map(([leaf, n]) => [`${ioctl} ${leaf}`, n] as const),
    );
    return Object.fromEntries(rows);
  }

  /** SEAMCALLs of the last command, of one ioctl. */
  calls(ioctl: string): Record<string, number> {
    const now = Object.entries(this.#flat()).flatMap(([key, n]) => {
      const [of, leaf = ""] = key.split(" ");
      const made = n - (this.#before[key] ?? 0);
      return of === ioctl && made > 0 ? [[leaf, made] as const] : [];
    });
    return Object.fromEntries(now);
  }

  async tearDown(strategy: string) {
    const { strategies } = await destroyTd(this.host, "a", { strategy }, SESSION);
    return strategies[0] ?? expect.unreachable();
  }
}

/** What removing so many leaves of 4 KiB takes in v16 (kvm-teardown C.1). */
function removed(leaves: number) {
  return {
    "TDH.MEM.RANGE.BLOCK": leaves,
    "TDH.MEM.TRACK": leaves,
    "TDH.MEM.PAGE.REMOVE": leaves,
    "TDH.PHYMEM.PAGE.WBINVD": leaves,
  };
}

describe("private to shared conversion (kvm-teardown C.1)", () => {
  it("removes the private leaves of the range one by one", async () => {
    const td = await LivedTd.populated({});
    await td.convert("shared", 2 * PAGE, 3 * PAGE);
    expect(td.calls(ATTRIBUTES)).toEqual(removed(3));
  });

  it("of what is shared already makes no SEAMCALL", async () => {
    const td = await LivedTd.populated({});
    await td.convert("shared", 2 * PAGE, 3 * PAGE);
    await td.convert("shared", 3 * PAGE, PAGE);
    expect(td.calls(ATTRIBUTES)).toEqual({});
  });

  it("keeps the guest's later touches away from the module", async () => {
    const td = await LivedTd.populated({});
    await td.convert("shared", 2 * PAGE, 3 * PAGE);
    await td.punch(0, PAGE);
    await td.touchAll();
    expect(td.calls("KVM_RUN")).toEqual({ "TDH.MEM.PAGE.AUG": 1, "TDH.VP.ENTER": 1 });
  });

  it("back to private makes no SEAMCALL, and the next touch is a fault a page", async () => {
    const td = await LivedTd.populated({});
    await td.convert("shared", 2 * PAGE, 5 * PAGE);
    await td.convert("private", 3 * PAGE, 2 * PAGE);
    expect(td.calls(ATTRIBUTES)).toEqual({});
    await td.touchAll();
    expect(td.calls("KVM_RUN")).toEqual({ "TDH.MEM.PAGE.AUG": 2, "TDH.VP.ENTER": 2 });
  });

  it.each([
    ["apart", 0, 1, 4, 2],
    ["next to each other", 0, 2, 2, 2],
    ["the other way round", 4, 2, 2, 2],
    ["one over the other", 1, 4, 3, 3],
    ["one inside the other", 1, 6, 3, 1],
  ])("of two ranges %s is undone by making all of it private", async (_, a, aPages, b, bPages) => {
    const td = await LivedTd.populated({});
    await td.convert("shared", a * PAGE, aPages * PAGE);
    await td.convert("shared", b * PAGE, bPages * PAGE);
    const shared = new Set([
      ...Array.from({ length: aPages }, (_page, i) => a + i),
      ...Array.from({ length: bPages }, (_page, i) => b + i),
    ]);
    await td.convert("private", 0, 8 * PAGE);
    await td.touchAll();
    expect(td.calls("KVM_RUN")["TDH.MEM.PAGE.AUG"]).toBe(shared.size);
  });

  it.each(["runtime", "exit", "hint"])("leaves a TD that %s tears down whole", async (strategy) => {
    const td = await LivedTd.populated({});
    await td.convert("shared", 2 * PAGE, 3 * PAGE);
    const { hostWork } = await td.tearDown(strategy);
    // 5 leaves, 3 tables, 6 + 6 control pages and the TDR.
    expect(hostWork).toMatchObject({ pagesCleared: 5 + 3 + 6 + 6 + 1 });
    expectPristine(td.host);
  });
});

describe("a hole in guest_memfd (kvm-teardown C.1)", () => {
  it("removes the leaves in it, which the guest may touch again", async () => {
    const td = await LivedTd.populated({});
    await td.punch(0, 2 * PAGE);
    expect(td.calls(HOLE)).toEqual(removed(2));
    await td.touchAll();
    expect(td.calls("KVM_RUN")).toEqual({ "TDH.MEM.PAGE.AUG": 2, "TDH.VP.ENTER": 2 });
  });

  it("bugs the VM where the module does not give a page back, and leaks it", async () => {
    const td = await LivedTd.populated({});
    const refused = td.punch(0, 2 * PAGE, "TDH.MEM.PAGE.REMOVE:TDX_TD_FATAL@k=2");
    await expect(refused).rejects.toMatchObject({ kind: "refused" });
    // The page, and the TDR, which cannot go before it.
    expect((await td.tearDown("hint")).end).toMatchObject({ pagesLeaked: 2 });
  });
});

describe("a leaf of 2 MiB that goes in part (kvm-teardown C.1, D.3)", () => {
  const LARGE = { kernel: "huge-pages", pageSize: "2M", memoryBytes: 3 * MIB_2 } as const;

  it("is blocked, tracked and demoted, then its small leaves go", async () => {
    const td = await LivedTd.populated(LARGE);
    await td.punch(MIB_2, PAGE);
    expect(td.calls(HOLE)).toEqual({
      "TDH.MEM.RANGE.BLOCK": 2,
      "TDH.MEM.TRACK": 2,
      "TDH.MEM.PAGE.DEMOTE": 1,
      "TDH.MEM.PAGE.REMOVE": 1,
      "TDH.PHYMEM.PAGE.WBINVD": 1,
    });
  });

  it("at both ends of the range is split twice, and what lies between goes whole", async () => {
    const td = await LivedTd.populated(LARGE);
    await td.punch(MIB_2 - PAGE, MIB_2 + 2 * PAGE);
    expect(td.calls(HOLE)).toEqual({
      "TDH.MEM.RANGE.BLOCK": 2 + 3,
      "TDH.MEM.TRACK": 2 + 3,
      "TDH.MEM.PAGE.DEMOTE": 2,
      "TDH.MEM.PAGE.REMOVE": 3,
      "TDH.PHYMEM.PAGE.WBINVD": 512 + 2,
    });
  });

  it("is not split by a range that begins and ends with it", async () => {
    const td = await LivedTd.populated(LARGE);
    await td.punch(MIB_2, MIB_2);
    expect(td.calls(HOLE)).toEqual({ ...removed(1), "TDH.PHYMEM.PAGE.WBINVD": 512 });
  });

  it.each(["runtime", "exit", "hint"])("is torn down by %s like any other", async (strategy) => {
    const td = await LivedTd.populated({ ...LARGE, kernel: "v16" });
    expect((await td.tearDown(strategy)).end).toMatchObject({ pagesLeaked: 0, hkidFree: true });
    expectPristine(td.host);
  });

  it("that the module does not split is leaked, and the TDR with it", async () => {
    const td = await LivedTd.populated(LARGE);
    const refused = td.punch(MIB_2, PAGE, "TDH.MEM.PAGE.DEMOTE:TDX_TD_FATAL@k=1");
    await expect(refused).rejects.toMatchObject({ kind: "refused" });
    const { end } = await td.tearDown("exit");
    expect(end.leaks).toMatchObject([{ pages: 512 }, { pages: 1 }]);
  });

  it("for which there is no page of Secure EPT stays whole, and the VM lives on", async () => {
    const { host } = await LivedTd.populated(LARGE);
    const vm = vmOf(host);
    const kvm = kvmOf(host);
    const { page, count } = kvm.pages.septOf(1).alloc(2 ** 40) ?? expect.unreachable();
    const part = { from: 1, to: 2 };
    const calls = recorded(host);
    expect(returned(punchHole(kvm, vm, part))).toEqual({
      errno: "ENOMEM",
      ioctl: HOLE,
      reason: "no host page for Secure EPT",
    });
    expect(calls).toEqual([]);
    kvm.pages.septOf(1).free(page, count);
    expect(returned(punchHole(kvm, vm, part))).toBeNull();
  });

  it("is none where the range begins or ends in a hole before one", async () => {
    const td = await LivedTd.populated(LARGE);
    await td.punch(MIB_2, MIB_2);
    await td.punch(MIB_2 + PAGE, PAGE);
    expect(td.calls(HOLE)).toEqual({});
  });

  it("that the module does not split refuses with -EIO and KVM_BUG_ON", async () => {
    const { host } = await LivedTd.populated(LARGE);
    injectFaults(host, "TDH.MEM.PAGE.DEMOTE:TD_FATAL@k=1");
    expect(returned(punchHole(kvmOf(host), vmOf(host), { from: 1, to: 2 }))).toEqual({
      errno: "EIO",
      ioctl: HOLE,
      leaf: "TDH.MEM.PAGE.DEMOTE",
      status: "TDX_TD_FATAL",
      reason: "TDH.MEM.PAGE.DEMOTE returned TDX_TD_FATAL",
    });
    expect(vmOf(host).state.isBugged).toBe(true);
  });
});
