import { describe, expect, it } from "vitest";
import type { Leaf, Span } from "../../src/module/leaf.ts";
import { tdhVpAddcx } from "../../src/module/leaves/tdh-vp-addcx.ts";
import { tdhVpCreate } from "../../src/module/leaves/tdh-vp-create.ts";
import { tdhVpInit } from "../../src/module/leaves/tdh-vp-init.ts";
import { tdhVpWr } from "../../src/module/leaves/tdh-vp-wr.ts";
import { R8, R9, RCX, RDX, Registers } from "../../src/module/registers.ts";
import { TestHost, TestTd } from "../support/module.ts";

const PAGE = 4096;
/** TDVPR and TDVPX of a vCPU. */
const STRIDE = 6 * PAGE;
const ALL_ONES = 2n ** 64n - 1n;
const DESCRIPTOR_FIELD = (2n << 52n) | 0x2016n;
/** TD_PARAMS.MAX_VCPUS of a test TD. */
const MAX_VCPUS = 8;
const SPAN = {
  rcxStride: STRIDE,
  r8Stride: 0,
  lpStride: 1,
  rowCalls: 1,
  rowStride: STRIDE,
  addedLevels: 0,
  isOfNewVcpu: true,
} satisfies Span;

/** A TD with one vCPU, after whose pages others may follow. */
function first() {
  const host = new TestHost();
  const td = new TestTd(host, { stage: "INITIALIZED" });
  const [made = 0] = td.tdvpr;
  return { host, td, made, next: made + STRIDE };
}

type Operands = Readonly<Partial<Record<"rcx" | "rdx" | "r8" | "r9", number | bigint>>>;

function reach(host: TestHost, leaf: Leaf, operands: Operands, span: Span, most = 5) {
  const r = new Registers();
  for (const [name, register] of [
    ["rcx", RCX],
    ["rdx", RDX],
    ["r8", R8],
    ["r9", R9],
  ] as const) {
    r.set(register, BigInt(operands[name] ?? 0));
  }
  return leaf.reach?.(host.module, r, most, span);
}

/** What the first vCPU of a body looks like to each leaf, and how far that reaches. */
function reaches({ host, td, made, next }: ReturnType<typeof first>, flag: boolean) {
  const descriptor = { rdx: DESCRIPTOR_FIELD, r9: ALL_ONES };
  host.must("TDH.VP.WR", { rcx: made, r8: 0x1000, ...descriptor });
  const span = { ...SPAN, isOfNewVcpu: flag };
  const row = { ...span, rcxStride: PAGE, rowCalls: 5, rdxStride: STRIDE };
  return [
    reach(host, tdhVpCreate, { rcx: next, rdx: td.tdr }, span),
    reach(host, tdhVpAddcx, { rcx: next + PAGE, rdx: next }, row, 25),
    reach(host, tdhVpInit, { rcx: next }, span),
    reach(host, tdhVpWr, { rcx: next, r8: 0x1040, ...descriptor }, { ...span, r8Stride: 64 }),
  ];
}

describe("vCPUs that a body makes", () => {
  it("end as the one before did while their pages are free", () => {
    expect(reaches(first(), true)).toEqual([5, 25, 5, 5]);
  });

  it("go one by one where the body does not make them all the way", () => {
    expect(reaches(first(), false)).toEqual([1, 1, 1, 1]);
  });

  it("go one by one while a vCPU is in the guest", () => {
    const made = first();
    new TestTd(made.host).enter();
    expect(reaches(made, true)).toEqual([1, 1, 1, 1]);
  });

  it("go one by one where the TD no more takes them", () => {
    const made = first();
    made.host.must("TDH.MR.FINALIZE", { rcx: made.td.tdr });
    // VP.WR is for TDs that run, too.
    expect(reaches(made, true)).toEqual([1, 1, 1, 5]);
  });

  it.each([0, PAGE / 2])("go one by one where they are %i bytes apart", (rcxStride) => {
    const { host, td, made } = first();
    const operands = { rcx: made + rcxStride, rdx: td.tdr };
    expect(reach(host, tdhVpCreate, operands, { ...SPAN, rcxStride })).toBe(1);
  });

  it("take any value of a field of which nothing is asked, and none of no field", () => {
    const { host, made, next } = first();
    const notify = { rdx: (2n << 52n) | 0x4024n, r9: 0xffff_ffffn };
    host.must("TDH.VP.WR", { rcx: made, r8: 1, ...notify });
    const span = { ...SPAN, r8Stride: 1 };
    expect(reach(host, tdhVpWr, { rcx: next, r8: 2, ...notify }, span)).toBe(5);
    const reserved = { ...notify, rdx: notify.rdx | (1n << 24n) };
    expect(reach(host, tdhVpWr, { rcx: next, r8: 2, ...reserved }, span)).toBe(1);
    const unknown = { ...notify, rdx: (2n << 52n) | 0x6800n };
    expect(reach(host, tdhVpWr, { rcx: next, r8: 2, ...unknown }, span)).toBe(1);
  });

  it("reach up to the first page in use", () => {
    const { host, td, next } = first();
    const used = next + 2 * STRIDE + PAGE;
    host.must("TDH.VP.CREATE", { rcx: used, rdx: td.tdr });
    expect(reach(host, tdhVpCreate, { rcx: next, rdx: td.tdr }, SPAN)).toBe(3);
    const row = { ...SPAN, rcxStride: PAGE, rowCalls: 5, rdxStride: STRIDE };
    expect(reach(host, tdhVpAddcx, { rcx: next + PAGE, rdx: next }, row, 25)).toBe(10);
  });

  it("are initialised up to MAX_VCPUS", () => {
    const { host, next } = first();
    expect(reach(host, tdhVpInit, { rcx: next }, SPAN, 20)).toBe(MAX_VCPUS - 1);
  });

  it("are vCPUs of the TD that the one before belongs to", () => {
    const { host, next } = first();
    const other = new TestTd(host, { stage: "INITIALIZED", vcpus: 0 });
    expect(reach(host, tdhVpCreate, { rcx: next + 40 * PAGE, rdx: other.tdr }, SPAN)).toBe(1);
  });

  it("take values up to the first that a field may not have", () => {
    const { host, made, next } = first();
    const vector = { rdx: (2n << 52n) | 0x2n, r9: 0xffff };
    host.must("TDH.VP.WR", { rcx: made, r8: 253, ...vector });
    const span = { ...SPAN, r8Stride: 1 };
    expect(reach(host, tdhVpWr, { rcx: next, r8: 254, ...vector }, span)).toBe(2);
    const unwritten = { rcx: next, rdx: DESCRIPTOR_FIELD, r8: 0x1000, r9: ALL_ONES };
    expect(reach(host, tdhVpWr, unwritten, SPAN)).toBe(1);
  });
});
