import { describe, expect, it } from "vitest";
import { TestHost, TestTd } from "../../support/module.ts";

const LEAF = "TDH.VP.INIT";
const MAX_VCPUS = 8;

function withVcpu(numL2Vms = 0, pages = 6): { td: TestTd; tdvpr: number } {
  const td = new TestTd(new TestHost(), { stage: "INITIALIZED", numL2Vms, vcpus: 0 });
  return { td, tdvpr: addVcpu(td, pages) };
}

function addVcpu({ host, tdr }: TestTd, pages = 6): number {
  const tdvpr = host.page();
  host.must("TDH.VP.CREATE", { rcx: tdvpr, rdx: tdr });
  for (let i = 1; i < pages; i++) host.must("TDH.VP.ADDCX", { rcx: host.page(), rdx: tdvpr });
  return tdvpr;
}

describe("TDH.VP.INIT", () => {
  it("associates the vCPU with the calling LP", () => {
    const { td, tdvpr } = withVcpu();
    td.host.must(LEAF, { rcx: tdvpr }, { lp: 1 });
    expect(td.host.module.vcpus.get(tdvpr / 4096)?.assocLp).toBe(1);
    expect(td.state.tdcs).toMatchObject({ numVcpus: 1, numAssocVcpus: 1 });
  });

  it("numbers vCPUs in the order of their initialisation", () => {
    const { td, tdvpr } = withVcpu();
    const second = addVcpu(td);
    td.host.must(LEAF, { rcx: second });
    td.host.must(LEAF, { rcx: tdvpr });
    expect(td.host.module.vcpus.get(tdvpr / 4096)?.vcpuIndex).toBe(1);
  });

  it.each([
    [0, 5],
    [1, 8],
    [3, 14],
  ])("wants 6 pages and 3 for each of %i L2 VMs: %i are too few", (numL2Vms, pages) => {
    const { td, tdvpr } = withVcpu(numL2Vms, pages);
    expect(td.host.call(LEAF, { rcx: tdvpr }).status).toBe("TDX_TDCX_NUM_INCORRECT");
    td.host.must("TDH.VP.ADDCX", { rcx: td.host.page(), rdx: tdvpr });
    expect(td.host.call(LEAF, { rcx: tdvpr }).status).toBe("TDX_SUCCESS");
  });

  it("is done once", () => {
    const { td, tdvpr } = withVcpu();
    td.host.must(LEAF, { rcx: tdvpr });
    expect(td.host.call(LEAF, { rcx: tdvpr }).status).toBe("TDX_VCPU_STATE_INCORRECT");
  });

  it("stops at MAX_VCPUS", () => {
    const td = new TestTd(new TestHost(), { stage: "INITIALIZED", vcpus: MAX_VCPUS });
    const tdvpr = addVcpu(td);
    expect(td.host.call(LEAF, { rcx: tdvpr }).status).toBe("TDX_MAX_VCPUS_EXCEEDED");
    expect(td.state.tdcs).toMatchObject({ numVcpus: MAX_VCPUS, numAssocVcpus: MAX_VCPUS });
  });

  it("has no version 1 in this module", () => {
    const { td, tdvpr } = withVcpu();
    const answer = td.host.call(LEAF, { rcx: tdvpr }, { version: 1 });
    expect(answer.status).toBe("TDX_OPERAND_INVALID|RAX");
  });
});
