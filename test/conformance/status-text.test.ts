import { expect, test } from "vitest";
import { statusText } from "../../src/lab/replay/mismatch.ts";
import { ENTERED_GUEST, TD_EXIT } from "../../src/lab/replay/sequence.ts";
import { replayFixture } from "../support/vectors.ts";

test("every recorded RAX is told by the name that was recorded with it", async () => {
  const wrong: unknown[] = [];
  await replayFixture("seamcall-vectors", {
    observer: ({ step }) => {
      if (!("status" in step) || step.status === ENTERED_GUEST || step.status === TD_EXIT) return;
      const rax = step.out.find(({ register }) => register === 0);
      if (rax === undefined || statusText(rax) !== step.status) wrong.push(step);
    },
  });
  expect(wrong).toEqual([]);
});
