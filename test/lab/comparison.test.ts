import { expect, test } from "vitest";
import { resolveTdOptions } from "../../src/lab/td-options.ts";
import { compareFresh } from "../../src/lab/teardown.ts";

const SMALL = { memoryBytes: 2 ** 30, vcpus: 2 };

test("a strategy that makes the calls of runtime takes its time, whatever the prices", async () => {
  const { comparison } = await compareFresh(resolveTdOptions({ ...SMALL, kernel: "v6.16" }));
  const even = { low: 1, mid: 1, high: 1, basis: "exact" };
  expect(comparison).toMatchObject([
    { strategy: "runtime", seamcallRatio: 1, elapsedRatio: even },
    { strategy: "exit", seamcallRatio: 1, elapsedRatio: even },
  ]);
});

test("a ratio of other estimates spans the quotients of their ends", async () => {
  const { comparison, strategies } = await compareFresh(resolveTdOptions(SMALL));
  const [runtime, , hint] = strategies;
  const ratio = comparison[2] ?? expect.unreachable("hint is compared");
  if (runtime === undefined || hint === undefined) return expect.unreachable("both were run");
  expect(ratio).toMatchObject({ strategy: "hint", against: "runtime" });
  const calls = runtime.seamcalls.total / hint.seamcalls.total;
  expect(ratio.seamcallRatio).toBeCloseTo(calls, 4);
  const { low, mid, high, basis } = ratio.elapsedRatio;
  expect(low).toBeCloseTo(runtime.elapsedNs.low / hint.elapsedNs.high, 4);
  expect(mid).toBeCloseTo(runtime.elapsedNs.mid / hint.elapsedNs.mid, 4);
  expect(high).toBeCloseTo(runtime.elapsedNs.high / hint.elapsedNs.low, 4);
  expect(basis).toBe("assumed");
});
