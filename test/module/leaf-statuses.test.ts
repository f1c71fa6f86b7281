import { describe, expect, it } from "vitest";
import {
  contendedOperands,
  effectsOfFailure,
  statusesOf,
  withoutDetails,
} from "../../src/module/leaf-statuses.ts";

describe("the statuses that a leaf can answer", () => {
  it("begin with success and the dispatcher's refusal", () => {
    expect(statusesOf("TDH.MNG.KEY.RECLAIMID")).toEqual(["TDX_SUCCESS", "TDX_OPERAND_INVALID|RAX"]);
  });

  it("are without the dispatcher's for a call of the guest", () => {
    expect(statusesOf("TDG.MEM.PAGE.ACCEPT")).toEqual([
      "TDX_SUCCESS",
      "TDX_OPERAND_INVALID|RCX",
      "TDX_PAGE_ALREADY_ACCEPTED",
      "TDX_PAGE_SIZE_MISMATCH",
    ]);
  });

  it("are none for a leaf that is not emulated", () => {
    expect(statusesOf("TDH.EXPORT.MEM")).toEqual([]);
    expect(contendedOperands("TDH.EXPORT.MEM")).toEqual([]);
    expect(effectsOfFailure("TDH.EXPORT.MEM", "TDX_SUCCESS")).toEqual([]);
  });
});

describe("a status is told without", () => {
  it.each([
    ["TDX_EPT_WALK_FAILED|RCX", "TDX_EPT_WALK_FAILED|RCX"],
    ["TDX_PAGE_ALREADY_ACCEPTED|LEVEL_1", "TDX_PAGE_ALREADY_ACCEPTED"],
    ["TDX_L2_SEPT_WALK_FAILED|VM_12|LEVEL_3", "TDX_L2_SEPT_WALK_FAILED"],
    ["TDX_TD_VMCS_FIELD_NOT_INITIALIZED|FIELD_0x2016", "TDX_TD_VMCS_FIELD_NOT_INITIALIZED"],
    ["TDX_OPERAND_INVALID|0x5f", "TDX_OPERAND_INVALID"],
    ["TDX_OPERAND_BUSY|SEPT_TREE", "TDX_OPERAND_BUSY|SEPT_TREE"],
    ["TDX_OPERAND_INVALID|LEVEL_1|RCX", "TDX_OPERAND_INVALID|LEVEL_1|RCX"],
  ])("its details: %s", (status, plain) => {
    expect(withoutDetails(status)).toBe(plain);
  });
});
