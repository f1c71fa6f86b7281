import { describe, expect, it } from "vitest";
import { encodeTdParams, type TdParamsFields } from "../../../src/module/encode-td-params.ts";
import { ALL_ONES, TD_PARAMS_ADDRESS, TestHost, TestTd } from "../../support/module.ts";

const LEAF = "TDH.MNG.INIT";
const HKID_SHIFT = 2 ** 46;
const DEBUG = 1n;
const MIGRATABLE = 1n << 29n;
const PERFMON = 1n << 63n;
const EPTP_4_LEVELS = 0x1en;
const EPTP_5_LEVELS = 0x26n;
const LEGAL: TdParamsFields = {
  attributes: 0n,
  xfam: 3n,
  maxVcpus: 1,
  numL2Vms: 0,
  eptpControls: EPTP_4_LEVELS,
  configFlags: 0n,
  tscFrequency: 100,
};

type Edit = (view: DataView) => void;

function td(tdcx = 6, host = new TestHost()): TestTd {
  const tested = new TestTd(host, { stage: "ADDCX_DONE", numL2Vms: tdcx - 6 });
  return tested;
}

function init(tested: TestTd, changes: Partial<TdParamsFields> = {}, edit: Edit = () => {}) {
  const bytes = encodeTdParams({ ...LEGAL, ...changes });
  edit(new DataView(bytes.buffer));
  tested.host.module.hostMemory.write(TD_PARAMS_ADDRESS, bytes);
  return tested.host.call(LEAF, { rcx: tested.tdr, rdx: TD_PARAMS_ADDRESS });
}

describe("TDH.MNG.INIT", () => {
  it("initialises the TD: epoch 1, no vCPU inside, RCX 0", () => {
    const tested = td();
    expect(init(tested)).toMatchObject({ status: "TDX_SUCCESS", rcx: 0n });
    expect(tested.state.tdcs).toMatchObject({ opState: 1, tdEpoch: 1, refcount: [0, 0] });
  });

  it("is done once", () => {
    const tested = td();
    init(tested);
    expect(init(tested)).toMatchObject({ status: "TDX_OP_STATE_INCORRECT", rcx: 0n });
  });

  it("may be tried again after it failed", () => {
    const tested = td();
    expect(init(tested, { maxVcpus: 0 }).status).toBe("TDX_OPERAND_INVALID|MAX_VCPUS");
    expect(init(tested).status).toBe("TDX_SUCCESS");
  });

  it("wants six TDCX pages before it reads anything", () => {
    const tested = new TestTd(new TestHost(), { stage: "KEYS_CONFIGURED" });
    const answer = tested.host.call(LEAF, { rcx: tested.tdr, rdx: 1 });
    expect(answer).toMatchObject({ status: "TDX_TDCS_NOT_ALLOCATED", rcx: 0n });
  });

  it.each([
    ["attributes it does not know", { attributes: 2n }, "ATTRIBUTES"],
    ["MIGRATABLE with DEBUG", { attributes: MIGRATABLE | DEBUG }, "ATTRIBUTES"],
    ["MIGRATABLE with PERFMON", { attributes: MIGRATABLE | PERFMON }, "ATTRIBUTES"],
    ["XFAM without SSE", { xfam: 1n }, "XFAM"],
    ["XFAM that the platform has not", { xfam: 0xbn }, "XFAM"],
    ["no vCPU", { maxVcpus: 0 }, "MAX_VCPUS"],
    ["four L2 VMs", { numL2Vms: 4 }, "NUM_L2_VMS"],
    ["unknown configuration flags", { configFlags: 8n }, "EXEC_CONTROLS"],
    ["a 3-level tree", { eptpControls: 0x16n }, "EPTP_CONTROLS"],
    ["a tree that is not write-back", { eptpControls: 0x18n }, "EPTP_CONTROLS"],
    ["other EPTP bits", { eptpControls: 0x5en }, "EPTP_CONTROLS"],
    ["52-bit addresses in a 4-level tree", { configFlags: 1n }, "EPTP_CONTROLS"],
    ["a TSC below 100 MHz", { tscFrequency: 3 }, "TSC_FREQUENCY"],
    ["a TSC above 10 GHz", { tscFrequency: 401 }, "TSC_FREQUENCY"],
    ["MIGRATABLE with L2 VMs", { attributes: MIGRATABLE, numL2Vms: 1 }, "RDX"],
  ] as const)("refuses %s", (_what, changes, operand) => {
    expect(init(td(7), changes)).toMatchObject({
      status: `TDX_OPERAND_INVALID|${operand}`,
      rcx: 0n,
    });
  });

  it("wants a TDCX page more for each L2 VM", () => {
    expect(init(td(6), { numL2Vms: 1 }).status).toBe("TDX_TDCS_NOT_ALLOCATED");
    expect(init(td(7), { numL2Vms: 1 }).status).toBe("TDX_SUCCESS");
  });

  it("takes a 5-level tree where physical addresses have 49 bits", () => {
    const changes = { eptpControls: EPTP_5_LEVELS, configFlags: 1n };
    const narrow = td(6, new TestHost({ maxPa: 48 }));
    expect(init(narrow, changes).status).toBe("TDX_OPERAND_INVALID|EPTP_CONTROLS");
    expect(init(td(6, new TestHost({ maxPa: 49 })), changes).status).toBe("TDX_SUCCESS");
  });

  it.each([20, 42, 79, 232, 255, 448, 1023])("wants byte %i to be 0", (offset) => {
    const edit: Edit = (view) => view.setUint8(offset, 1);
    expect(init(td(), {}, edit).status).toBe("TDX_OPERAND_INVALID|RDX");
  });

  it("wants the upper MSR_CONFIG_CTLS bits to be 0", () => {
    const edit: Edit = (view) => view.setUint8(19, 2);
    expect(init(td(), {}, edit).status).toBe("TDX_OPERAND_INVALID|RDX");
  });

  it("judges IA32_ARCH_CAPABILITIES_CONFIG where MSR_CONFIG_CTLS turns it on", () => {
    const edit =
      (controls: number, bits = 1n): Edit =>
      (view) => {
        view.setUint8(19, controls);
        view.setBigUint64(224, bits, true);
      };
    const status = "TDX_OPERAND_INVALID|IA32_ARCH_CAPABILITIES_CONFIG";
    expect(init(td(), {}, edit(1)).status).toBe(status);
    expect(init(td(), {}, edit(0)).status).toBe("TDX_SUCCESS");
    expect(init(td(), {}, edit(1, 0x0118_0010n)).status).toBe("TDX_SUCCESS");
  });

  describe("CPUID configuration", () => {
    it.each([
      ["leaf 1, which has no sub-leaf", 256 + 8, 0xffff_ffff_0000_0001n],
      ["leaf 4 sub-leaf 3", 256 + 4 * 16 + 12, 0x3_0000_0004n],
      ["leaf 0xA, where nothing can be set", 256 + 7 * 16, 0xffff_ffff_0000_000an],
    ])("names %s in RCX", (_what, offset, rcx) => {
      const edit: Edit = (view) => view.setUint32(offset, 0xffff_ffff, true);
      const status = "TDX_OPERAND_INVALID|CPUID_CONFIG";
      expect(init(td(), {}, edit)).toMatchObject({ status, rcx });
    });

    it.each([
      ["the platform's own", 0x806f8, 0n, "TDX_SUCCESS"],
      ["another", 0x806f7, 0n, "TDX_OPERAND_INVALID|CPUID_CONFIG"],
      ["another where the TD can migrate", 0x806f7, MIGRATABLE, "TDX_SUCCESS"],
    ])("takes %s family, model and stepping: %s", (_what, eax, attributes, status) => {
      const edit: Edit = (view) => view.setUint32(256, eax as number, true);
      expect(init(td(), { attributes }, edit).status).toBe(status);
    });

    it("wants HLE and RTM alike, and names no leaf for it", () => {
      const ebx =
        (bits: number): Edit =>
        (view) =>
          view.setUint32(256 + 5 * 16 + 4, bits, true);
      const status = "TDX_OPERAND_INVALID|CPUID_CONFIG";
      expect(init(td(), {}, ebx(1 << 4))).toMatchObject({ status, rcx: 0n });
      expect(init(td(), {}, ebx((1 << 4) | (1 << 11))).status).toBe("TDX_SUCCESS");
    });
  });

  describe("the operand in RDX", () => {
    it.each([
      ["a private HKID", TD_PARAMS_ADDRESS + 32 * HKID_SHIFT, "TDX_OPERAND_INVALID|RDX"],
      ["the last shared HKID", TD_PARAMS_ADDRESS + 31 * HKID_SHIFT, "TDX_SUCCESS"],
      ["512-byte alignment", TD_PARAMS_ADDRESS + 512, "TDX_OPERAND_INVALID|RDX"],
      ["bit 52", 2 ** 52, "TDX_OPERAND_INVALID|RDX"],
    ])("with %s: %s", (_what, rdx, status) => {
      const tested = td();
      tested.host.module.hostMemory.write(TD_PARAMS_ADDRESS, encodeTdParams(LEGAL));
      expect(tested.host.call(LEAF, { rcx: tested.tdr, rdx }).status).toBe(status);
    });

    it("reads NUM_TDCX and CHLDCNT in a TDR", () => {
      const tested = td();
      const other = new TestTd(tested.host, { stage: "CREATED" });
      const read = (rdx: number) => tested.host.call(LEAF, { rcx: tested.tdr, rdx }).status;
      expect(read(tested.tdr)).toBe("TDX_OPERAND_INVALID|ATTRIBUTES");
      expect(read(other.tdr)).toBe("TDX_OPERAND_INVALID|XFAM");
    });

    it.each([
      [0, "XFAM"],
      [2, "ATTRIBUTES"],
      [3, "ATTRIBUTES"],
      [6, "XFAM"],
    ])("reads what ADDCX put into TDCX page %i", (index, operand) => {
      const tested = td(7);
      const rdx = tested.tdcx[index] as number;
      const answer = tested.host.call(LEAF, { rcx: tested.tdr, rdx });
      expect(answer.status).toBe(`TDX_OPERAND_INVALID|${operand}`);
    });

    it("reads Secure EPT entries, also of L2 trees", () => {
      const host = new TestHost();
      const other = new TestTd(host, { numL2Vms: 1 });
      const tested = td(6, host);
      const [r8, r9] = [host.page(), host.page()];
      other.mustSept(
        "TDH.MEM.SEPT.ADD",
        3,
        { r8, r9, r10: ALL_ONES, r11: ALL_ONES },
        {
          version: 1,
        },
      );
      const read = (rdx: number) => host.call(LEAF, { rcx: tested.tdr, rdx }).status;
      expect(read(r8)).toBe("TDX_OPERAND_INVALID|ATTRIBUTES");
      expect(read(r9)).toBe("TDX_OPERAND_INVALID|XFAM");
      expect(read(other.tdcx[6] as number)).toBe("TDX_OPERAND_INVALID|ATTRIBUTES");
    });
  });
});
