import { describe, expect, it } from "vitest";
import { createTd, populateTd } from "../../src/lab/lifecycle.ts";
import { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { resolveTdOptions, type TdOptions } from "../../src/lab/td-options.ts";
import { destroyTd } from "../../src/lab/teardown.ts";
import { SESSION, stopAgainAndAgain, stopEverywhere, type Work } from "../support/stopped-runs.ts";

const PAGE = 4096;
const MIB_2 = 2 ** 21;
async function created(given: Partial<TdOptions>): Promise<SimulatedHost> {
  const options = resolveTdOptions(given);
  const host = SimulatedHost.boot(options);
  await createTd(host, "a", options, SESSION);
  return host;
}

const POPULATE: Work = (host, session) => populateTd(host, "a", { finalize: true }, session);

const SHAPES = {
  "4 KiB pages": { memoryBytes: 7 * PAGE, initialImageBytes: 3 * PAGE },
  "scattered 4 KiB pages": {
    memoryBytes: 7 * PAGE,
    initialImageBytes: 3 * PAGE,
    layout: "alternate",
  },
  "pages of two tables": { memoryBytes: MIB_2 + 2 * PAGE, populatedBytes: 0 },
} as const satisfies Readonly<Record<string, Partial<TdOptions>>>;

const FEW = ["4 KiB pages", "scattered 4 KiB pages"] as const;

describe("a run that was stopped between two SEAMCALLs goes on as if it had not been", () => {
  it.each(FEW)("populating %s", async (shape) => {
    const host = await created({ ...SHAPES[shape], vcpus: 2 });
    expect(await stopEverywhere(POPULATE, host)).toBe(7);
    await stopAgainAndAgain(POPULATE, host);
  });

  it("populating 4 KiB pages that need PAMT pages", async () => {
    const host = await created({ ...SHAPES["4 KiB pages"], vcpus: 1, kernel: "dynamic-pamt" });
    // The regions of three tables and of the pages more.
    expect(await stopEverywhere(POPULATE, host)).toBe(7 + 4);
    await stopAgainAndAgain(POPULATE, host);
  });

  it("populating a 2 MiB page TD whose image has 4 KiB pages", async () => {
    const shape = { memoryBytes: 3 * MIB_2, initialImageBytes: MIB_2, vcpus: 1 };
    const host = await created({ ...shape, pageSize: "2M", layout: "alternate" });
    await stopAgainAndAgain(POPULATE, host);
  });

  it("populating across the end of a table", async () => {
    const host = await created({ ...SHAPES["pages of two tables"], vcpus: 1 });
    const most = { bytes: 511 * PAGE, finalize: true };
    await populateTd(host, "a", most, SESSION);
    const rest: Work = (at, session) =>
      populateTd(at, "a", { bytes: MIB_2 + 2 * PAGE, finalize: true }, session);
    expect(await stopEverywhere(rest, host)).toBe(3);
  });

  it("destroying a TD that was never finalised", async () => {
    const host = await created({ ...SHAPES["4 KiB pages"], vcpus: 1 });
    await populateTd(host, "a", { finalize: false }, SESSION);
    for (const strategy of ["runtime", "hint"]) {
      const destroy: Work = (at, session) => destroyTd(at, "a", { strategy }, session);
      expect(await stopEverywhere(destroy, host)).toBeGreaterThan(10);
    }
  });
});
