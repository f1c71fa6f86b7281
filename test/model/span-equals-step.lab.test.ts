import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_PROFILE } from "../../src/cost/profiles/index.ts";
import { createTd, populateTd } from "../../src/lab/lifecycle.ts";
import { SimulatedHost } from "../../src/lab/simulated-host.ts";
import type { TdOptions } from "../../src/lab/td-options.ts";
import { destroyTd } from "../../src/lab/teardown.ts";
import { checkInvariants } from "../../src/module/invariants.ts";
import { moduleToJSON } from "../../src/module/snapshot.ts";
import { randomTd } from "../support/random-td.ts";
import { PATIENCE, sample } from "../support/sample.ts";

const NO_LIMIT = Number.POSITIVE_INFINITY;
const STRATEGIES = ["runtime", "exit", "hint"] as const;

/** From here on KVM executes at most `limit` iterations of a body at once. */
function limitSpans(host: SimulatedHost, limit: number): SimulatedHost {
  const kvm = host.kvm.bind(host);
  host.kvm = (observer, _, port) => kvm(observer, false, { ...port, spanLimit: limit });
  return host;
}

/** Everything the life of a TD leaves behind, stage by stage: states, ledgers, estimates. */
async function lifeOf(options: TdOptions, finalize: boolean, limit: number): Promise<unknown[]> {
  const session = { step: false, profile: DEFAULT_PROFILE, seed: 1 };
  const host = limitSpans(SimulatedHost.boot(options), limit);
  const stages: unknown[] = [];
  const tell = (at: SimulatedHost, what: unknown): void => {
    expect(checkInvariants(at.module)).toEqual([]);
    stages.push([what, moduleToJSON(at.module), at.snapshot()]);
  };
  tell(host, await createTd(host, "a", options, session));
  tell(host, await populateTd(host, "a", { finalize }, session));
  for (const strategy of STRATEGIES) {
    const copy = limitSpans(host.clone(), limit);
    tell(copy, await destroyTd(copy, "a", { strategy }, session));
  }
  return stages;
}

describe("making SEAMCALLs one by one and in spans", () => {
  const tds = fc.oneof(
    randomTd({ pages: 1500, scattered: 300, vcpus: 6 }).filter(({ pageSize }) => pageSize === "4K"),
    randomTd({ pages: 12, scattered: 8, vcpus: 6 }),
  );

  it.each([7, 512, NO_LIMIT])(
    "ends in the same states, counts and estimates (spans of at most %d)",
    async (limit) => {
      await fc.assert(
        fc.asyncProperty(fc.tuple(tds, fc.boolean()), async ([options, finalize]) => {
          const single = await lifeOf(options, finalize, 1);
          const spanned = await lifeOf(options, finalize, limit);
          expect(spanned).toEqual(single);
        }),
        sample(100, 2000),
      );
    },
    2 * PATIENCE,
  );
});
