import { describe, expect, it } from "vitest";
import { TD_FIELDS } from "../../../src/module/td-fields.ts";
import { ALL_ONES, TestHost, TestTd } from "../../support/module.ts";

const LEAF = "TDH.MNG.RD";
const HKID_SHIFT = 2n ** 46n;
const DEBUG = 1n;
const RTMR = 0x1310_0003_0000_0040n;
const SEAMDB_NONCE = 0x8210_0003_0000_0002n;
const XBUFF_SIZE = 0x9110_0002_0000_000fn;
const XBUFF_OFFSETS = 0x9110_0002_0000_0800n;
const MRCONFIGID = 0x1310_0003_0000_0010n;
const MROWNER = 0x1310_0003_0000_0018n;
const MROWNERCONFIG = 0x1310_0003_0000_0020n;
const FIRST_READABLE = 0x8010_0000_0000_0001n;

function read({ host, tdr }: TestTd, rdx: number | bigint, version = 0) {
  return host.call(LEAF, { rcx: tdr, rdx, r8: 7 }, { version });
}

describe("TDH.MNG.RD", () => {
  it.each([
    ["NUM_TDCX", 0x8010_0002_0000_0002n, 6n],
    ["CHLDCNT", 0x8010_0003_0000_0004n, 12n],
    ["LIFECYCLE_STATE", 0x8010_0002_0000_0005n, 1n],
    ["HKID", 0x8110_0001_0000_0001n, 32n],
    ["PKG_CONFIG_BITMAP", 0x8110_0003_0000_0002n, 3n],
    ["NUM_VCPUS", 0x9010_0002_0000_0001n, 1n],
    ["NUM_ASSOC_VCPUS", 0x9010_0002_0000_0002n, 1n],
    ["OP_STATE", 0x9010_0002_0000_0004n, 2n],
    ["XFAM", 0x1110_0003_0000_0001n, 3n],
    ["MAX_VCPUS", 0x1110_0002_0000_0002n, 8n],
    ["TSC_FREQUENCY", 0x1110_0001_0000_000cn, 100n],
    ["TD_EPOCH", 0x9210_0003_0000_0000n, 1n],
    ["FATAL", FIRST_READABLE, 0n],
  ])("reads %s", (_name, id, value) => {
    expect(read(new TestTd(new TestHost()), id)).toMatchObject({
      status: "TDX_SUCCESS",
      rdx: id,
      r8: value,
    });
  });

  it("knows each field by a name of its own", () => {
    const names = TD_FIELDS.map(({ name }) => name);
    expect(names.filter((name) => !/^[A-Z][A-Z0-9_]+$/.test(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  it("reads an element of an array by its own field code", () => {
    const td = new TestTd(new TestHost());
    td.host.must("TDH.MEM.TRACK", { rcx: td.tdr });
    td.enter();
    expect(read(td, 0x9210_0001_0000_0001n).r8).toBe(1n);
    expect(read(td, 0x9210_0001_0000_0002n).r8).toBe(0n);
  });

  it("shows TDCX pages with HKID bits, EPTP with the Secure EPT root", () => {
    const td = new TestTd(new TestHost());
    const root = BigInt(td.tdcx[3] as number);
    expect(read(td, 0x8010_0003_0000_0013n).r8).toBe(root + 32n * HKID_SHIFT);
    expect(read(td, 0x1110_0003_0000_0004n).r8).toBe(root + 0x1en);
  });

  it("looks at class and field code alone", () => {
    const td = new TestTd(new TestHost());
    expect(read(td, 5).r8).toBe(1n);
    // Element size, context and bit 63 are ignored.
    expect(read(td, 0x8020_0003_0000_0005n).r8).toBe(1n);
    // So are bits 50 and 51.
    for (const bit of [50n, 51n]) expect(read(td, 5n | (1n << bit)).r8).toBe(1n);
  });

  it.each([24, 31, 34, 37, 38, 46, 47, 49, 55, 62])("wants bit %i of an id to be 0", (bit) => {
    const td = new TestTd(new TestHost());
    const answer = read(td, 5n | (1n << BigInt(bit)));
    expect(answer).toMatchObject({ status: "TDX_METADATA_FIELD_ID_INCORRECT", r8: 0n });
  });

  it.each([
    ["a field code between two fields", 0x8010_0000_0000_0003n],
    ["an element past the end", 0x9210_0001_0000_0003n],
    ["an unknown class", 0x3f10_0000_0000_0000n],
  ])("does not know %s", (_what, id) => {
    expect(read(new TestTd(new TestHost()), id).status).toBe("TDX_METADATA_FIELD_ID_INCORRECT");
  });

  it("shows some fields of debug TDs alone, and some of none", () => {
    const production = new TestTd(new TestHost());
    const debug = new TestTd(new TestHost(), { attributes: DEBUG });
    const status = "TDX_METADATA_FIELD_NOT_READABLE";
    expect(read(production, RTMR).status).toBe(status);
    expect(read(debug, RTMR).status).toBe("TDX_SUCCESS");
    expect(read(debug, SEAMDB_NONCE).status).toBe(status);
  });

  it.each([
    ["with AVX", 7n, [832n, 576n]],
    ["without", 3n, [576n, 0n]],
  ])("shows how large XSAVE areas are, and where AVX state starts: %s", (_what, xfam, sizes) => {
    const td = new TestTd(new TestHost(), { xfam });
    expect([read(td, XBUFF_SIZE).r8, read(td, XBUFF_OFFSETS + 2n).r8]).toEqual(sizes);
    expect(read(td, XBUFF_OFFSETS + 1n).r8).toBe(0n);
  });

  it("shows what TD_PARAMS said of its owner, 8 bytes an element", () => {
    const td = new TestTd(new TestHost());
    // 48 bytes each (ABI 10.2).
    const bytes = td.state.tdcs.params;
    for (let i = 80; i < 224; i++) bytes[i] = i;
    for (const [id, offset] of [
      [MRCONFIGID, 80],
      [MROWNER, 128],
      [MROWNERCONFIG, 176],
    ] as const) {
      for (let element = 0; element < 6; element++) {
        const expected = Buffer.from(bytes).readBigUInt64LE(offset + element * 8);
        expect(read(td, id + BigInt(element)).r8).toBe(expected);
      }
    }
  });

  it("shows the configured CPUID leaves", () => {
    const td = new TestTd(new TestHost());
    // Leaf 1 has no sub-leaf: bits 8:1 of the field code are ones.
    expect(read(td, 0x9410_0003_0000_03fen).r8).toBe(0x806f8n);
  });

  it.each([
    ["ADDCX_DONE", "TDX_OP_STATE_INCORRECT"],
    ["CREATED", "TDX_TD_KEYS_NOT_CONFIGURED"],
  ] as const)("cannot look at a TD that is %s", (stage, status) => {
    expect(read(new TestTd(new TestHost(), { stage }), 5)).toMatchObject({ status, r8: 0n });
  });

  it("works while a vCPU runs", () => {
    const td = new TestTd(new TestHost());
    td.enter();
    expect(read(td, 5).status).toBe("TDX_SUCCESS");
  });

  describe("version 1", () => {
    it("answers the null id with the first readable one, whatever its context", () => {
      const td = new TestTd(new TestHost());
      for (const id of [ALL_ONES, ALL_ONES ^ (7n << 52n)]) {
        const answer = read(td, id, 1);
        expect(answer).toMatchObject({ rax: 0xc0b_0000_0000n, rdx: FIRST_READABLE, r8: 0n });
      }
    });

    it.each([2n ** 52n - 1n, ALL_ONES - 1n])("knows no id %i, which is not all-ones", (id) => {
      const { status } = read(new TestTd(new TestHost()), id, 1);
      expect(status).toBe("TDX_METADATA_FIELD_ID_INCORRECT");
    });

    it.each([
      ["production", 0n],
      ["debug", DEBUG],
    ])("leads through every readable element of a %s TD once", (_what, attributes) => {
      const td = new TestTd(new TestHost(), { attributes });
      const seen: bigint[] = [];
      for (let id = read(td, ALL_ONES, 1).rdx; id !== ALL_ONES; id = read(td, id, 1).rdx) {
        seen.push(id);
        expect(read(td, id, 1).status).toBe("TDX_SUCCESS");
      }
      const names = TD_FIELDS.filter(({ id }) => seen.includes(id)).length;
      const cpuid = 1;
      const readable = TD_FIELDS.filter((field) => field.readable <= (attributes === 0n ? 0 : 1));
      expect(names + cpuid).toBe(readable.length);
      expect(new Set(seen).size).toBe(seen.length);
    });

    it("shows all ones for the next id where it fails", () => {
      const answer = read(new TestTd(new TestHost(), { stage: "CREATED" }), 5, 1);
      expect(answer).toMatchObject({ rdx: ALL_ONES, r8: 0n });
    });
  });

  it("rejects higher versions itself", () => {
    const answer = read(new TestTd(new TestHost()), 5, 2);
    expect(answer).toMatchObject({ status: "TDX_OPERAND_INVALID|RAX", rdx: ALL_ONES, r8: 0n });
  });
});
