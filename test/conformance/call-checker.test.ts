import { describe, expect, test } from "vitest";
import { replay } from "../../src/lab/replay/replay.ts";
import type { StepEvent } from "../../src/lab/replay/run-sequence.ts";
import type { TdxModule } from "../../src/module/module.ts";
import { CallChecker } from "../support/call-checker.ts";
import { call, createStep, ndjson, sequenceVector } from "../support/vectors.ts";

const TDR_PAGE = 0x40000;
const FAILING = call("TDH.PHYMEM.PAGE.WBINVD", 41, { rcx: "0x1" }, { out: {} });

/** Replays a CREATE and a failing call; `meddle` spoils what the checker is told of the latter. */
function spoiled(meddle: (module: TdxModule) => Partial<StepEvent>): Promise<unknown> {
  const checker = new CallChecker();
  return replay(ndjson(sequenceVector([createStep(), FAILING])), {
    observer: (event) =>
      checker.observe(event.index === 0 ? event : { ...event, ...meddle(event.module) }),
  });
}

describe("the checker of calls finds", () => {
  test("nothing in a sound replay", async () => {
    await expect(spoiled(() => ({}))).resolves.toMatchObject({ steps: 2 });
  });

  test("a state that breaks an invariant", async () => {
    const result = spoiled((m) => {
      const td = m.tds.get(TDR_PAGE);
      if (td !== undefined) td.chldcnt = 1;
      return {};
    });
    await expect(result).rejects.toThrow("I-3");
  });

  test("a failed call that changed the state (I-9)", async () => {
    const result = spoiled((m) => {
      m.hostMemory.write(0, new Uint8Array(1024));
      return {};
    });
    await expect(result).rejects.toThrow("I-9: the failed call changed the state");
  });

  test("a status that the leaf does not have (I-10)", async () => {
    await expect(spoiled(() => ({ status: "TDX_TD_FATAL" }))).rejects.toThrow("I-10");
  });

  test("pages that outlive the last TD (I-13)", async () => {
    const result = spoiled((m) => {
      m.tds.clear();
      return {};
    });
    await expect(result).rejects.toThrow("I-13: page 262144 is not free");
  });
});
