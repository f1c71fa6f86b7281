import { describe, expect, it } from "vitest";
import { convertToShared, punchHole } from "../../src/kvm/convert.ts";
import { faulty, injectFaults } from "../support/faulty-td.ts";
import { kvmOf, returned, vmOf } from "../support/kvm-side.ts";
import { built, expectPristine, PAGE } from "../support/td-vm.ts";

const KERNEL = { kernel: "dynamic-pamt" } as const;
const BUSY = "TDX_OPERAND_BUSY";
const MIB_2 = 2 ** 21;

describe("dynamic-pamt (kvm-teardown D.3)", () => {
  it("fails on a module without PAMT.ADD, as module 1.5.01 is", () => {
    const { host } = built("created", { kernel: "v16" });
    expect(host.platform.hasDynamicPamt).toBeUndefined();
    const { td } = built("created", { kernel: "dynamic-pamt" });
    expect(td.initVm()).toMatchObject({ ok: true });
    const other = built("created", { kernel: "v16" }).host;
    const plain = built("created", { kernel: "dynamic-pamt" });
    plain.host.kvm = other.kvm.bind(other);
    expect(plain.td.initVm()).toMatchObject({
      ok: false,
      errno: "EIO",
      leaf: "TDH.PHYMEM.PAMT.ADD",
      status: "TDX_OPERAND_INVALID|RAX",
    });
  });

  it("keeps a region's PAMT pages as long as a page of it is in use", () => {
    const { host, td } = built("vcpus", { kernel: "dynamic-pamt" });
    expect(host.module.pamtPairs.isEmpty).toBe(false);
    td.close();
    expect(host.module.pamtPairs.isEmpty).toBe(true);
    expectPristine(host);
  });

  it("adds PAMT pages once for the 512 pages of a region", () => {
    const { host } = built("touched", { kernel: "dynamic-pamt", memoryBytes: 1024 * PAGE });
    const adds = host
      .report("a")
      ?.ioctls.map(({ seamcalls }) => seamcalls.byLeaf["TDH.PHYMEM.PAMT.ADD"]);
    // Control pages; one region for each of three table levels, two for the private pages.
    expect(adds?.reduce((sum: number, count) => sum + (count ?? 0), 0)).toBe(1 + 3 + 2);
  });

  it("gives each region a pair of its own, which the module knows too", () => {
    const { host } = built("touched", { ...KERNEL, memoryBytes: 3 * MIB_2 });
    const pairs = [...host.module.pamtPairs.runs()].flatMap(({ start, length }) =>
      Array.from({ length }, (_, i) => {
        host.module.pamtPairs.seek(start + i);
        return host.module.pamtPairs.baseAt(start + i);
      }),
    );
    const first = host.snapshot().pages.pamt.pages.start;
    expect(pairs.sort((a, b) => a - b).map((pair) => pair - first)).toEqual(
      [0, 1, 2, 3, 4, 5, 6].map((i) => 2 * i),
    );
    expect(host.module.pamtPairs.toArray()).toEqual(host.snapshot().pages.pamt.pairs);
  });
});

describe("a PAMT.ADD that fails (kvm-teardown D.3)", () => {
  const refused = {
    ok: false,
    errno: "EIO",
    leaf: "TDH.PHYMEM.PAMT.ADD",
    reason: `TDH.PHYMEM.PAMT.ADD returned ${BUSY}`,
  };

  // Regions of three tables, then of the pages.
  it.each([1, 2, 3, 4])("as number %i refuses the pages and takes none", (k) => {
    const { host, td } = faulty("vcpus", KERNEL, `TDH.PHYMEM.PAMT.ADD:OPERAND_BUSY@k=${k}`);
    const before = host.snapshot().pages;
    const image = { gpa: 0, pages: 2 };
    const answer = td.initMemRegion(image);
    expect(answer).toMatchObject(refused);
    // What was added before is removed again, and no page reached the module.
    const made = { "TDH.PHYMEM.PAMT.ADD": k, "TDH.PHYMEM.PAMT.REMOVE": k - 1 };
    expect(answer.seamcalls).toMatchObject({ total: 2 * k - 1 });
    expect({ "TDH.PHYMEM.PAMT.REMOVE": 0, ...answer.seamcalls.byLeaf }).toEqual(made);
    expect(host.snapshot().pages).toEqual(before);
    expect(td.initMemRegion(image)).toMatchObject({ ok: true });
    td.close();
    expectPristine(host);
  });

  it("refuses a vCPU, and the VM lives on", () => {
    const { host, td } = built("initialized", { ...KERNEL, vcpus: 1 });
    const { control } = kvmOf(host).pages;
    // The next control pages lie in another region of 2 MiB.
    const rest = control.alloc(512 - 7) ?? expect.unreachable("there are pages");
    injectFaults(host, "TDH.PHYMEM.PAMT.ADD:OPERAND_BUSY@k=1");
    td.createVcpu();
    expect(td.initVcpu(0)).toMatchObject(refused);
    expect(td.initVcpu(0)).toMatchObject({ ok: true });
    control.free(rest.page, rest.count);
    td.close();
    expectPristine(host);
  });
});

describe("a PAMT.REMOVE that fails (kvm-teardown D.3)", () => {
  // Regions of the private pages, of three tables, of the control pages.
  it.each([1, 2, 3, 4, 5])("as number %i leaks two PAMT pages and is warned of", (k) => {
    const { host, td } = faulty("touched", KERNEL, `TDH.PHYMEM.PAMT.REMOVE:OPERAND_BUSY@k=${k}`);
    const { pairs } = host.snapshot().pages.pamt;
    expect(td.close()).toMatchObject({
      ok: true,
      seamcalls: { byLeaf: { "TDH.PHYMEM.PAMT.REMOVE": 5 } },
    });
    const { state } = vmOf(host);
    expect(state.warnings).toEqual({ "TDH.PHYMEM.PAMT.REMOVE TDX_OPERAND_BUSY": 1 });
    const { pairs: kept, pages } = host.snapshot().pages.pamt;
    const [region, regionCount, , pair = 0] = kept;
    expect([kept.length, regionCount]).toEqual([4, 1]);
    expect(pairs).toContain(region);
    expect(state.leaked).toEqual([{ pfn: pair, pages: 2, what: "PAMT page" }]);
    expect(pages.next).toBe(pair + 2);
  });

  it("leaks that of the region it failed for, and goes on with the next one", () => {
    const memoryBytes = 3 * MIB_2;
    const { host, td } = faulty(
      "touched",
      { ...KERNEL, memoryBytes },
      "TDH.PHYMEM.PAMT.REMOVE:OPERAND_BUSY@k=2",
    );
    const { start } = host.snapshot().pages.memory;
    td.close();
    const { pairs, pages } = host.snapshot().pages.pamt;
    expect(pairs.slice(0, 2)).toEqual([start / 512 + 1, 1]);
    expect(vmOf(host).state.leaked).toEqual([{ pfn: pairs[3], pages: 2, what: "PAMT page" }]);
    expect(pages.freed.length).toBeGreaterThan(0);
  });
});

describe("a leaf of 2 MiB that is split with Dynamic PAMT (kvm-teardown D.3)", () => {
  const LARGE = { ...KERNEL, pageSize: "2M", memoryBytes: MIB_2, vcpus: 1 } as const;
  const PART = { from: 3, to: 5 };

  function punched(...faults: readonly string[]) {
    const made = built("vcpus", LARGE);
    const { host, td } = made;
    expect(td.finalizeVm()).toMatchObject({ ok: true });
    expect(td.touch({ offset: 0, bytes: MIB_2 })).toMatchObject({ ok: true });
    injectFaults(host, ...faults);
    const vm = vmOf(host);
    return { ...made, vm, error: returned(punchHole(kvmOf(host), vm, PART)) };
  }

  it("gets PAMT pages for the new table and its small leaves", () => {
    const { host, td, vm, error } = punched();
    expect(error).toBeNull();
    expect([vm.memory.leafCount(0), vm.memory.leafCount(1)]).toEqual([510, 0]);
    td.close();
    expectPristine(host);
  });

  it("keeps the leaf where PAMT.ADD fails, and the VM lives on", () => {
    const { host, td, vm, error } = punched("TDH.PHYMEM.PAMT.ADD:OPERAND_BUSY");
    expect(error).toEqual({
      errno: "EIO",
      ioctl: "fallocate(PUNCH_HOLE)",
      leaf: "TDH.PHYMEM.PAMT.ADD",
      status: BUSY,
      reason: `TDH.PHYMEM.PAMT.ADD returned ${BUSY}`,
    });
    expect(vm.state.isBugged).toBe(false);
    expect(vm.memory.leafCount(1)).toBe(1);
    td.close();
    expectPristine(host);
  });

  it("gives the PAMT pages back where DEMOTE fails, with KVM_BUG_ON", () => {
    const { host, vm, error } = punched("TDH.MEM.PAGE.DEMOTE:TD_FATAL");
    expect(error).toMatchObject({ errno: "EIO", leaf: "TDH.MEM.PAGE.DEMOTE" });
    expect(vm.state).toMatchObject({ isBugged: true, leaked: [] });
    // Left are those of the control pages and of the two tables above the leaf.
    expect([...host.module.pamtPairs.runs()].reduce((sum, { length }) => sum + length, 0)).toBe(3);
    expect(returned(convertToShared(kvmOf(host), vm, PART))).toMatchObject({ errno: "EIO" });
  });
});
