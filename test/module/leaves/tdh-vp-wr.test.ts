import { describe, expect, it } from "vitest";
import { VCPU_DISABLED, VCPU_READY } from "../../../src/module/tdvps.ts";
import { ALL_ONES, type CallOptions, TestHost, TestTd } from "../../support/module.ts";
import { flushVcpus } from "../../support/teardown.ts";

const VECTOR = 0x0002;
const DESCRIPTOR = 0x2016;
const SHARED_EPTP = 0x203c;
const PIN_BASED_CONTROLS = 0x4000;
const NOTIFY_WINDOW = 0x4024;
const POSTED_INTERRUPTS = 0x80;
const PRIVATE_HKID = 32 * 2 ** 46;

function write(
  { host, tdvpr }: TestTd,
  field: number,
  value: number | bigint,
  mask: number | bigint = ALL_ONES,
  options: CallOptions = {},
) {
  const operands = { rcx: tdvpr[0] as number, rdx: field, r8: value, r9: mask };
  return host.call("TDH.VP.WR", operands, options);
}

function read({ host, tdvpr }: TestTd, field: number | bigint, options: CallOptions = {}) {
  return host.call("TDH.VP.RD", { rcx: tdvpr[0] as number, rdx: field }, options);
}

function runnable(): TestTd {
  return new TestTd(new TestHost());
}

describe("TDH.VP.WR", () => {
  it("writes what the mask selects and shows what was there", () => {
    const td = runnable();
    expect(write(td, SHARED_EPTP, 0x5000)).toMatchObject({ status: "TDX_SUCCESS", r8: 0n });
    expect(write(td, SHARED_EPTP, 0x2000, 0x3000)).toMatchObject({ r8: 0x5000n });
    expect(read(td, SHARED_EPTP).r8).toBe(0x6000n);
  });

  it("ignores bits that are as they were, though the field does not allow them", () => {
    const td = runnable();
    expect(write(td, SHARED_EPTP, 0x5001).status).toBe("TDX_METADATA_FIELD_VALUE_NOT_VALID");
    expect(write(td, SHARED_EPTP, 0x5000, ALL_ONES).status).toBe("TDX_SUCCESS");
  });

  it.each([
    ["a mask without a writable bit", SHARED_EPTP, 0, 0xfff, "TDX_METADATA_FIELD_NOT_WRITABLE"],
    ["the TSC offset", 0x2010, 0, ALL_ONES, "TDX_METADATA_FIELD_NOT_WRITABLE"],
    ["an unknown field", 0x6800, 0, ALL_ONES, "TDX_METADATA_FIELD_ID_INCORRECT"],
    ["a vector above 255", VECTOR, 256, 0xffff, "TDX_METADATA_FIELD_VALUE_NOT_VALID"],
    ["a private EPTP", SHARED_EPTP, PRIVATE_HKID, ALL_ONES, "TDX_METADATA_FIELD_VALUE_NOT_VALID"],
    [
      "a private descriptor",
      DESCRIPTOR,
      PRIVATE_HKID,
      ALL_ONES,
      "TDX_METADATA_FIELD_VALUE_NOT_VALID",
    ],
  ])("refuses %s", (_what, field, value, mask, status) => {
    expect(write(runnable(), field, value, mask)).toMatchObject({ status, r8: 0n });
  });

  it("turns posted interrupts on after vector and descriptor are set", () => {
    const td = runnable();
    const turnOn = () => write(td, PIN_BASED_CONTROLS, POSTED_INTERRUPTS, POSTED_INTERRUPTS).rax;
    expect(turnOn()).toBe(0xc000_0730_0000_0002n);
    write(td, VECTOR, 0xf2, 0xffff);
    expect(turnOn()).toBe(0xc000_0730_0000_2016n);
    write(td, DESCRIPTOR, 0x1_0040);
    expect(turnOn()).toBe(0n);
  });

  it("turns them off again whatever is set", () => {
    expect(write(runnable(), PIN_BASED_CONTROLS, 0, POSTED_INTERRUPTS).rax).toBe(0n);
  });

  it("writes fields that nothing is asked of, and leaves others as they were", () => {
    const td = runnable();
    write(td, SHARED_EPTP, 0x5000);
    expect(write(td, NOTIFY_WINDOW, 0x1234, 0xffff_ffff).status).toBe("TDX_SUCCESS");
    expect(write(td, NOTIFY_WINDOW, 0x5678, 0xffff_ffff)).toMatchObject({
      status: "TDX_SUCCESS",
      r8: 0x1234n,
    });
    expect(read(td, NOTIFY_WINDOW).r8).toBe(0x5678n);
    expect(read(td, SHARED_EPTP).r8).toBe(0x5000n);
  });

  it("refuses an id with reserved bits, whatever field it names", () => {
    const td = runnable();
    expect(write(td, SHARED_EPTP + 2 ** 24, 0x5000).status).toBe("TDX_METADATA_FIELD_ID_INCORRECT");
  });

  it("of an unfinished vCPU fails with TDCX_NUM_INCORRECT", () => {
    const td = new TestTd(new TestHost(), { stage: "INITIALIZED", vcpus: 0 });
    const rcx = td.host.page();
    td.host.must("TDH.VP.CREATE", { rcx, rdx: td.tdr });
    const answer = td.host.call("TDH.VP.WR", { rcx, rdx: SHARED_EPTP, r9: ALL_ONES });
    expect(answer.status).toBe("TDX_TDCX_NUM_INCORRECT");
  });

  it("refuses a vCPU that runs", () => {
    const td = runnable();
    td.enter();
    expect(write(td, SHARED_EPTP, 0x5000, ALL_ONES, { lp: 1 }).status).toBe(
      "TDX_VCPU_STATE_INCORRECT",
    );
  });

  it("associates the vCPU, also where it then fails", () => {
    const td = runnable();
    flushVcpus(td);
    write(td, 0x6800, 0, ALL_ONES, { lp: 1 });
    expect(td.state.tdcs.numAssocVcpus).toBe(1);
    expect(write(td, SHARED_EPTP, 0).status).toBe("TDX_VCPU_ASSOCIATED");
  });
});

describe("TDH.VP.RD", () => {
  it("associates the vCPU with the calling LP", () => {
    const td = runnable();
    flushVcpus(td);
    read(td, SHARED_EPTP, { lp: 1 });
    expect(read(td, SHARED_EPTP).status).toBe("TDX_VCPU_ASSOCIATED");
  });

  it.each(["TDH.VP.RD", "TDH.VP.WR"])("refuses a page that is no TDVPR, as %s does", (leaf) => {
    const { host, tdr } = runnable();
    const answer = host.call(leaf, { rcx: tdr, rdx: SHARED_EPTP, r9: ALL_ONES });
    expect(answer).toMatchObject({ status: "TDX_PAGE_METADATA_INCORRECT|RCX", r8: 0n });
  });

  it("refuses a vCPU that runs, and takes one that is disabled", () => {
    const td = runnable();
    const vcpu = td.host.module.vcpus.get((td.tdvpr[0] ?? 0) / 4096);
    Object.assign(vcpu ?? {}, { state: VCPU_DISABLED });
    expect(read(td, SHARED_EPTP).status).toBe("TDX_SUCCESS");
    Object.assign(vcpu ?? {}, { state: VCPU_READY });
    td.enter();
    expect(read(td, SHARED_EPTP, { lp: 1 }).status).toBe("TDX_VCPU_STATE_INCORRECT");
  });

  it("shows the TSC multiplier with 48 fraction bits", () => {
    expect(read(runnable(), 0x2032).r8).toBe(2n ** 48n);
  });

  it("version 1 leads through the fields once", () => {
    const td = runnable();
    const first = read(td, ALL_ONES, { version: 1 });
    expect(first.status).toBe("TDX_METADATA_FIRST_FIELD_ID_IN_CONTEXT");
    let fields = 0;
    for (let id = first.rdx; id !== ALL_ONES; fields++) {
      const answer = read(td, id, { version: 1 });
      expect(answer.status).toBe("TDX_SUCCESS");
      id = answer.rdx;
    }
    expect(fields).toBe(10);
  });

  it("version 0 has no first field: all-ones name none", () => {
    expect(read(runnable(), ALL_ONES).status).toBe("TDX_METADATA_FIELD_ID_INCORRECT");
  });

  it("rejects version 2 itself", () => {
    const answer = read(runnable(), SHARED_EPTP, { version: 2 });
    expect(answer).toMatchObject({ status: "TDX_OPERAND_INVALID|RAX", rdx: ALL_ONES, r8: 0n });
  });

  it.each([
    ["version 0", 0, 0x203cn],
    ["version 1", 1, ALL_ONES],
  ])("of an unfinished vCPU fails with TDCX_NUM_INCORRECT: %s", (_what, version, rdx) => {
    const td = new TestTd(new TestHost(), { stage: "INITIALIZED", vcpus: 0 });
    const rcx = td.host.page();
    td.host.must("TDH.VP.CREATE", { rcx, rdx: td.tdr });
    const answer = td.host.call("TDH.VP.RD", { rcx, rdx: SHARED_EPTP }, { version });
    expect(answer).toMatchObject({ status: "TDX_TDCX_NUM_INCORRECT", rdx, r8: 0n });
  });
});
