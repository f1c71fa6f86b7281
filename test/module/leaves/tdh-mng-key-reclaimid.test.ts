import { expect, it } from "vitest";
import { ALL_ONES, TestHost } from "../../support/module.ts";

it("TDH.MNG.KEY.RECLAIMID succeeds whatever its operands are", () => {
  const answer = new TestHost().call("TDH.MNG.KEY.RECLAIMID", { rcx: ALL_ONES });
  expect(answer).toMatchObject({ status: "TDX_SUCCESS", rcx: ALL_ONES });
});
