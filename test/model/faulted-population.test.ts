import { describe, expect, test } from "vitest";
import { parseFault } from "../../src/lab/faults/fault-plan.ts";
import { legalFaults } from "../../src/lab/faults/legal-statuses.ts";
import { createTd, populateTd, requireTd } from "../../src/lab/lifecycle.ts";
import { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { resolveTdOptions, type TdOptions } from "../../src/lab/td-options.ts";
import { destroyTd } from "../../src/lab/teardown.ts";
import { checkInvariants } from "../../src/module/invariants.ts";
import { session, wrongsOf } from "../support/faulted-teardown.ts";
import { PATIENCE } from "../support/sample.ts";

const TDS: readonly (readonly [string, Partial<TdOptions>, readonly string[]])[] = [
  ["a page fault", {}, ["TDH.MEM.SEPT.ADD", "TDH.MEM.PAGE.AUG", "TDH.VP.ENTER"]],
  [
    "an initial image",
    { initialImageBytes: 4 * 4096 },
    ["TDH.MEM.SEPT.ADD", "TDH.MEM.PAGE.ADD", "TDH.MR.EXTEND"],
  ],
];

describe.each(TDS)("%s whose SEAMCALL fails", (_what, shape, leaves) => {
  const faults = leaves.flatMap((leaf) =>
    legalFaults(leaf).flatMap((status) => [1, 2, 3].map((k) => `${leaf}:${status}@k=${k}`)),
  );

  test(
    "leaves a TD that is torn down without losing a page",
    async () => {
      const options = resolveTdOptions({ memoryBytes: 4 * 4096, vcpus: 1, ...shape });
      const built = SimulatedHost.boot(options);
      await createTd(built, "td", options, session());
      let refused = 0;
      for (const fault of faults) {
        const host = built.clone();
        const run = session({ faults: { plans: [parseFault(fault, false)], seed: 1 } });
        await populateTd(host, "td", { finalize: true }, run).catch((error: unknown) => {
          expect(error, fault).toMatchObject({ kind: "refused" });
          refused++;
        });
        expect(checkInvariants(host.module), fault).toEqual([]);
        const result = await destroyTd(host, "td", { strategy: "hint" }, session());
        expect(result.strategies[0]?.end, fault).toMatchObject({
          pagesLeaked: 0,
          tdrReclaimed: true,
        });
        expect(wrongsOf({ host, td: requireTd(host, "td"), result }), fault).toEqual([]);
      }
      expect(refused).toBeGreaterThan(faults.length / 2);
    },
    PATIENCE,
  );
});
