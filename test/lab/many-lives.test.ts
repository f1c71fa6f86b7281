import { describe, expect, test } from "vitest";
import { createTd, populateTd } from "../../src/lab/lifecycle.ts";
import { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { resolveTdOptions } from "../../src/lab/td-options.ts";
import { compareFresh, destroyTd } from "../../src/lab/teardown.ts";
import { session } from "../support/faulted-teardown.ts";
import { PATIENCE, runs } from "../support/sample.ts";

const GIB = 2 ** 30;
const SMALL = resolveTdOptions({ memoryBytes: 64 * 1024, vcpus: 2 });

test(
  "a host that made and destroyed many TDs has all its pages and HKIDs again",
  async () => {
    const host = SimulatedHost.boot(SMALL);
    const pristine = JSON.stringify(host.snapshot().pages);
    for (let life = 0; life < runs(200, 20_000); life++) {
      const name = `td-${life}`;
      await createTd(host, name, SMALL, session());
      await populateTd(host, name, { finalize: true }, session());
      const strategy = ["runtime", "exit", "hint"][life % 3] as string;
      await destroyTd(host, name, { strategy }, session());
    }
    const { pages, hkidsUsed, module } = host.snapshot();
    expect(JSON.stringify(pages)).toBe(pristine);
    expect(hkidsUsed).toEqual([]);
    expect(module.tds).toEqual([]);
    expect(module.vcpus).toEqual([]);
  },
  PATIENCE,
);

describe("a host with n private KeyIDs", () => {
  test.each([2, 3, 8, 32, 64])("of %d holds one TD fewer, and refuses the next", async (count) => {
    const platform = {
      schema: "tdx-sim/platform/v1",
      name: "test",
      description: "a host of the tests",
      source: "made up",
      privateKeyIds: { first: 64, count },
    } as const;
    const options = resolveTdOptions({ ...SMALL, platform });
    const host = SimulatedHost.boot(options);
    expect(host.hkidCount).toBe(count - 1);
    for (let i = 1; i < count; i++) await createTd(host, `td-${i}`, options, session());
    await expect(createTd(host, "one-more", options, session())).rejects.toMatchObject({
      kind: "refused",
      refusal: { errno: "ENOSPC" },
    });
    await destroyTd(host, "td-1", { strategy: "hint" }, session());
    await createTd(host, "one-more", options, session());
  });
});

test("16 TiB are counted exactly", async () => {
  const pages = (16 * 1024 * GIB) / 4096;
  const tables = pages / 512 + pages / 512 ** 2 + pages / 512 ** 3;
  const td = resolveTdOptions({ memoryBytes: pages * 4096, vcpus: 4 });
  const { strategies } = await compareFresh(td, { source: "options" }, session());
  const totals = Object.fromEntries(
    strategies.map(({ strategy, seamcalls }) => [strategy, seamcalls.total]),
  );
  // Rows A to C of kvm-teardown 1.1 with 4 vCPUs and one package.
  const fixed = 4 + 1 + 1 + 1 + 31 + 1;
  expect(totals).toEqual({
    runtime: 4 * pages + tables + fixed,
    exit: pages + tables + fixed,
    hint: pages + tables + fixed,
  });
}, 20_000);
