import { describe, expect, it } from "vitest";
import { punchTd } from "../../src/lab/guest-life.ts";
import { GENERATIONS } from "../../src/lab/kernels.ts";
import { createTd, populateTd } from "../../src/lab/lifecycle.ts";
import { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { resolveTdOptions, type TdOptions } from "../../src/lab/td-options.ts";
import { destroyTd } from "../../src/lab/teardown.ts";
import { parseWhatIfs } from "../../src/lab/what-if.ts";
import { SESSION, stopEverywhere, type Work } from "../support/stopped-runs.ts";

const PAGE = 4096;

/** A TD of six pages, the third of them a hole: two runs of leaves. */
async function lived(given: Partial<TdOptions>): Promise<SimulatedHost> {
  const options = resolveTdOptions({ memoryBytes: 6 * PAGE, vcpus: 1, ...given });
  const host = SimulatedHost.boot(options);
  await createTd(host, "a", options, SESSION);
  await populateTd(host, "a", { finalize: true }, SESSION);
  await punchTd(host, "a", { at: 2 * PAGE, bytes: PAGE }, SESSION);
  return host;
}

describe("a teardown that was stopped between two SEAMCALLs goes on as if it had not been", () => {
  it.each([...GENERATIONS.keys()])("by every strategy of %s", async (kernel) => {
    const host = await lived({ kernel });
    for (const { name: strategy } of GENERATIONS.get(kernel)?.strategies ?? []) {
      const destroy: Work = (at, session) => destroyTd(at, "a", { strategy }, session);
      expect(await stopEverywhere(destroy, host)).toBeGreaterThan(10);
    }
  });

  it.each([["batch-track"], ["batch-wbinvd"], ["batch-track", "batch-wbinvd", "no-clear"]])(
    "with what-if %s %s %s",
    async (...texts) => {
      const whatIf = parseWhatIfs(texts.filter((text) => text !== undefined));
      for (const kernel of ["v16", "dynamic-pamt"]) {
        const host = await lived({ kernel });
        const destroy: Work = (at, session) =>
          destroyTd(at, "a", { strategy: "runtime" }, { ...session, whatIf });
        expect(await stopEverywhere(destroy, host)).toBeGreaterThan(10);
      }
    },
  );

  it("of pages of 2 MiB and 4 KiB", async () => {
    const host = await lived({ kernel: "huge-pages", memoryBytes: 2 ** 22 });
    const whatIf = parseWhatIfs(["batch-wbinvd", "batch-track"]);
    const destroy: Work = (at, session) =>
      destroyTd(at, "a", { strategy: "runtime" }, { ...session, whatIf });
    expect(await stopEverywhere(destroy, host, 61)).toBeGreaterThan(900);
  });

  it("and refuses to go on with another idea", async () => {
    const host = await lived({});
    const whatIf = parseWhatIfs(["batch-track"]);
    let asked = 0;
    const session = { ...SESSION, whatIf, shouldStop: () => ++asked === 3 };
    await expect(destroyTd(host, "a", { strategy: "runtime" }, session)).rejects.toThrow("stopped");
    const plain = destroyTd(host, "a", { strategy: "runtime" }, SESSION);
    await expect(plain).rejects.toMatchObject({
      kind: "refused",
      hint: expect.stringContaining("--what-if batch-track"),
    });
  });
});
