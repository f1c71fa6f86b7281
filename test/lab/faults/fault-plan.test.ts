import { describe, expect, test } from "vitest";
import { type FaultPlace, parseFault } from "../../../src/lab/faults/fault-plan.ts";
import { Failure } from "../../../src/units/failure.ts";

const EVER = Number.POSITIVE_INFINITY;

describe("a fault says which calls fail", () => {
  test.each<[string, FaultPlace]>([
    ["@k=17", { kind: "calls", from: 17, times: 1 }],
    [":k=17", { kind: "calls", from: 17, times: 1 }],
    [":p=0.001", { kind: "chance", p: 0.001 }],
    [":p=1e-6", { kind: "chance", p: 1e-6 }],
    [":from=5,times=3", { kind: "calls", from: 5, times: 3 }],
    [":from=5", { kind: "calls", from: 5, times: EVER }],
    [":times=2", { kind: "calls", from: 1, times: 2 }],
    ["@page=0x5000", { kind: "page", address: 0x5000, times: EVER }],
    ["@page=8192,times=1", { kind: "page", address: 8192, times: 1 }],
    ["", { kind: "calls", from: 1, times: EVER }],
  ])("%j", (place, expected) => {
    const plan = parseFault(`TDH.PHYMEM.PAGE.RECLAIM:OPERAND_BUSY${place}`, false);
    expect(plan.place).toEqual(expected);
  });

  test("for any leaf, counted over all of them", () => {
    const plan = parseFault("*:OPERAND_BUSY|RCX@k=3", false);
    expect(plan).toMatchObject({ leaf: "*", status: "TDX_OPERAND_BUSY|RCX" });
  });
});

describe("a fault says with what they fail", () => {
  test("and success, which is refused, is not proposed either", () => {
    expect(() => parseFault("TDH.MEM.TRACK:SUCCESS", false)).toThrow(
      expect.objectContaining({ hint: "statuses are spelt as in the ABI" }),
    );
  });

  test.each([
    ["TDH.PHYMEM.PAGE.RECLAIM:OPERAND_BUSY", "TDX_OPERAND_BUSY|RCX"],
    ["TDH.MEM.RANGE.BLOCK:OPERAND_BUSY", "TDX_OPERAND_BUSY|SEPT_TREE"],
    ["TDH.MEM.TRACK:TDX_OPERAND_BUSY", "TDX_OPERAND_BUSY|TD_EPOCH"],
    ["tdh.mem.track:previous_tlb_epoch_busy", "TDX_PREVIOUS_TLB_EPOCH_BUSY"],
    ["TDH.PHYMEM.PAGE.RECLAIM:OPERAND_BUSY|TDR", "TDX_OPERAND_BUSY|TDR"],
    ["TDH.MNG.KEY.CONFIG:OPERAND_BUSY", "TDX_OPERAND_BUSY|KET"],
  ])("%s is %s", (text, status) => {
    expect(parseFault(text, false).status).toBe(status);
  });

  test("a status that the leaf cannot answer is refused, unless any is taken", () => {
    const text = "TDH.PHYMEM.PAGE.WBINVD:FLUSHVP_NOT_DONE@k=1";
    expect(() => parseFault(text, false)).toThrow("cannot answer TDX_FLUSHVP_NOT_DONE");
    expect(parseFault(text, true).status).toBe("TDX_FLUSHVP_NOT_DONE");
  });

  test("what only migration or L2 VMs can cause is refused", () => {
    expect(() => parseFault("TDH.MEM.TRACK:OPERAND_BUSY|OP_STATE", false)).toThrow(Failure);
    expect(() => parseFault("TDH.MEM.SEPT.ADD:INTERRUPTED_RESUMABLE", false)).toThrow(Failure);
  });
});

test.each([
  "",
  "TDH.MEM.TRACK",
  "TDH.MEM.TRACK:",
  "TDH.MEM.TRAK:OPERAND_BUSY",
  "TDH.MEM.TRACK:SUCCESS",
  "TDH.MEM.TRACK:OPERAND_BISY",
  "TDH.MEM.TRACK:OPERAND_BUSY|RZX",
  "TDH.MEM.TRACK:OPERAND_BUSY@k=0",
  "TDH.MEM.TRACK:OPERAND_BUSY@k=1.5",
  "TDH.MEM.TRACK:OPERAND_BUSY@k=1,p=1",
  "TDH.MEM.TRACK:OPERAND_BUSY@k=1,k=2",
  "TDH.MEM.TRACK:OPERAND_BUSY:p=0",
  "TDH.MEM.TRACK:OPERAND_BUSY:p=1.1",
  "TDH.MEM.TRACK:OPERAND_BUSY:p=-1",
  "TDH.MEM.TRACK:OPERAND_BUSY:times=0",
  "TDH.MEM.TRACK:OPERAND_BUSY@page=0x5001",
  "TDH.MEM.TRACK:OPERAND_BUSY@page=abc",
  "TDH.MEM.TRACK:OPERAND_BUSY@k=99999999999999999999",
  "TDH.MEM.TRACK:__proto__@k=1",
])("%j is wrong usage", (text) => {
  try {
    parseFault(text, true);
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({ name: "Failure", kind: "usage" });
  }
});
