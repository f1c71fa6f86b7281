import { expect, test } from "vitest";
import { RunStopped } from "../../src/lab/drive.ts";
import { requireTd } from "../../src/lab/lifecycle.ts";
import { destroyTd } from "../../src/lab/teardown.ts";
import { populatedHost, session } from "../support/faulted-teardown.ts";

const SMALL = { memoryBytes: 16 * 4096, vcpus: 2 };

test("the state is judged after every SEAMCALL", async () => {
  const host = await populatedHost(SMALL);
  let times = 0;
  const judge = (judgement: () => void): void => {
    times++;
    judgement();
  };
  const run = session({ step: true, judge });
  const result = await destroyTd(host, "td", { strategy: "runtime" }, run);
  expect(times).toBe(result.strategies[0]?.seamcalls.total);
});

test("a broken invariant ends the run, naming the call after which it was found", async () => {
  const host = await populatedHost(SMALL);
  const tdr = requireTd(host, "td").tdrPage as number;
  const td = host.module.tds.get(tdr);
  if (td === undefined) throw new Error("the TD is not there");
  td.chldcnt += 1;
  const run = session({ judge: (judgement) => judgement() });
  await expect(destroyTd(host, "td", { strategy: "hint" }, run)).rejects.toThrow(
    /invariants are broken after TDH\.VP\.FLUSH .*: I-3/,
  );
});

test("a judged run listens to a request to stop after a few judgements", async () => {
  const host = await populatedHost({ ...SMALL, memoryBytes: 1024 * 4096 });
  let times = 0;
  const judge = (): void => {
    times++;
  };
  const run = session({ step: true, judge, shouldStop: () => true });
  await expect(destroyTd(host, "td", { strategy: "runtime" }, run)).rejects.toThrow(RunStopped);
  expect(times).toBeLessThan(1000);
});
