import { describe, expect, it } from "vitest";
import { TD_FIELDS } from "../../src/module/td-fields.ts";
import { TestHost, TestTd } from "../support/module.ts";

const DEBUG = 1n;
const CPUID = 0x9410_0003_0000_0000n;
/** Field codes of leaf 1, which has no sub-leaf, and of leaf 4 sub-leaf 1: EAX and EBX. */
const [LEAF_1, LEAF_4_1] = [0x3fen, 0x802n];
/** Where their registers stand in TD_PARAMS (ABI 10.2). */
const [LEAF_1_AT, LEAF_4_1_AT] = [256, 256 + 2 * 16];
const NATIVE_FAMILY = 0x806f8n;

function value({ host, tdr }: TestTd, rdx: bigint): bigint {
  return host.must("TDH.MNG.RD", { rcx: tdr, rdx }).r8;
}

function named(td: TestTd, name: string, element = 0): bigint {
  const field = TD_FIELDS.find((each) => each.name === name);
  return value(td, (field?.id ?? 0n) + BigInt(element));
}

describe("TDH.MNG.RD shows", () => {
  it.each([
    ["NUM_L2_VMS", 2n],
    ["ATTRIBUTES", DEBUG],
    ["GPAW", 1n],
    ["CONFIG_FLAGS", 1n],
    ["TSC_MULTIPLIER", 2n ** 48n],
    ["NUM_CPUID_VALUES", 80n],
    ["HP_LOCK_TIMEOUT", 1_000_000n],
    ["CPUID_VALID", 1n],
  ])("%s of a TD with two L2 VMs, a 5-level tree and DEBUG", (name, expected) => {
    const options = { attributes: DEBUG, numL2Vms: 2, pwl: 4, gpaw: 1 } as const;
    expect(named(new TestTd(new TestHost(), options), name)).toBe(expected);
  });

  it("a TD_UUID that no other TD has, always the same", () => {
    const host = new TestHost();
    const [one, other] = [new TestTd(host), new TestTd(host)];
    const uuid = (td: TestTd) => [0, 1, 2, 3].map((element) => named(td, "TD_UUID", element));
    expect(new Set([...uuid(one), ...uuid(other)]).size).toBe(8);
    expect(uuid(one)).toEqual(uuid(one));
  });

  describe("the CPUID configuration", () => {
    function configured(at: number, registers: readonly number[]): TestTd {
      const td = new TestTd(new TestHost());
      new Uint32Array(td.state.tdcs.params.buffer, at, 4).set(registers);
      return td;
    }

    it("in two halves: EBX and EAX, then EDX and ECX", () => {
      const td = configured(LEAF_4_1_AT, [0x11, 0x22, 0x33, 0x44]);
      expect(value(td, CPUID + LEAF_4_1)).toBe(0x22_0000_0011n);
      expect(value(td, CPUID + LEAF_4_1 + 1n)).toBe(0x44_0000_0033n);
    });

    it("with the platform's family where leaf 1 asks for none, and there alone", () => {
      const td = configured(LEAF_1_AT, [0, 0x22, 0, 0x44]);
      expect(value(td, CPUID + LEAF_1)).toBe(0x22_0000_0000n + NATIVE_FAMILY);
      expect(value(td, CPUID + LEAF_1 + 1n)).toBe(0x44_0000_0000n);
      expect(value(td, CPUID + LEAF_4_1)).toBe(0n);
      expect(value(configured(LEAF_1_AT, [0x801f1, 0, 0, 0]), CPUID + LEAF_1)).toBe(0x801f1n);
    });
  });
});
