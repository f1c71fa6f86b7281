import { describe, expect, it } from "vitest";
import { EMULATED } from "../../src/module/leaf-table.ts";
import { OP_STATES } from "../../src/module/tdcs.ts";
import { TD_TEARDOWN } from "../../src/module/tdr.ts";
import { type Operands, TestHost, TestTd } from "../support/module.ts";

/** ABI 1.8: a leaf, its operands, and Y at each OP_STATE value in which it is allowed. */
const ROWS: readonly (readonly [string, (td: TestTd) => Operands, string])[] = [
  ["TDH.VP.ENTER", vcpu, "..YY.....Y."],
  ["TDH.MEM.PAGE.ADD", entry, ".Y........."],
  ["TDH.MEM.SEPT.ADD", entry, ".YYY..YYYY."],
  ["TDH.VP.ADDCX", added, ".Y.....Y..."],
  ["TDH.MEM.PAGE.AUG", entry, ".YYY.....Y."],
  ["TDH.MEM.RANGE.BLOCK", entry, ".YYYYY..YY."],
  ["TDH.VP.CREATE", created, ".Y.....Y..."],
  ["TDH.MNG.RD", td, ".YYYYYYYYYY"],
  ["TDH.MEM.PAGE.DEMOTE", entry, ".YYYYY..YY."],
  ["TDH.MR.EXTEND", entry, ".Y........."],
  ["TDH.MR.FINALIZE", td, ".Y........."],
  ["TDH.VP.FLUSH", vcpu, "YYYYYYYYYYY"],
  ["TDH.MNG.INIT", td, "Y.........."],
  ["TDH.VP.INIT", vcpu, ".Y........."],
  ["TDH.MEM.PAGE.PROMOTE", entry, ".YYYYY..YY."],
  ["TDH.MEM.SEPT.RD", entry, ".YYYYYYYYYY"],
  ["TDH.VP.RD", vcpu, ".YYYYYYYYYY"],
  ["TDH.MEM.PAGE.REMOVE", entry, ".YYYYY..YYY"],
  ["TDH.MEM.SEPT.REMOVE", entry, ".YYYYYYYYYY"],
  ["TDH.MEM.TRACK", td, ".YYYYYYYYY."],
  ["TDH.MEM.RANGE.UNBLOCK", entry, ".YYYYY..YY."],
  ["TDH.VP.WR", vcpu, ".YYY..YYYYY"],
];

const OP_STATE_INCORRECT = "TDX_OP_STATE_INCORRECT";

function td({ tdr }: TestTd): Operands {
  return { rcx: tdr };
}

function vcpu({ tdvpr }: TestTd): Operands {
  return { rcx: tdvpr[0] as number };
}

function entry({ tdr, host }: TestTd): Operands {
  return { rcx: 0x4000_0001, rdx: tdr, r8: host.page() };
}

function added({ tdvpr, host }: TestTd): Operands {
  return { rcx: host.page(), rdx: tdvpr[0] as number };
}

function created({ tdr, host }: TestTd): Operands {
  return { rcx: host.page(), rdx: tdr };
}

describe("the OP_STATEs of a TD in which a leaf is allowed (ABI 1.8)", () => {
  it.each(ROWS)("%s", (leaf, operands, allowed) => {
    const built = new TestTd(new TestHost());
    const found = OP_STATES.map((_, opState) => {
      built.state.tdcs.opState = opState;
      const { status } = built.host.call(leaf, operands(built));
      return status === OP_STATE_INCORRECT ? "." : "Y";
    });
    expect(found.join("")).toBe(allowed);
  });
});

it.each(ROWS)("%s refuses a fatal TD before anything else of its state", (leaf, operands) => {
  const built = new TestTd(new TestHost());
  Object.assign(built.state, { isFatal: true, lifecycle: TD_TEARDOWN });
  expect(built.host.call(leaf, operands(built)).status).toBe(
    leaf === "TDH.VP.FLUSH" ? "TDX_TD_KEYS_NOT_CONFIGURED" : "TDX_TD_FATAL",
  );
});

it("what a leaf leaves out of the real one is told in words", () => {
  const silent = EMULATED.filter(({ missing }) => missing !== undefined && !missing.includes(" "));
  expect(silent).toEqual([]);
});
