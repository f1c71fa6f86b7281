import { expect, test } from "vitest";
import { replayFixture } from "../support/vectors.ts";

const LIMIT_MS = 2000;

test("the 31,640 public steps replay within two seconds", async () => {
  const begun = performance.now();
  await replayFixture("seamcall-vectors");
  expect(performance.now() - begun).toBeLessThan(LIMIT_MS);
});
