import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";
import { versionDefine } from "../../scripts/bundle.mjs";
import { createTd } from "../../src/lab/lifecycle.ts";
import { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { resolveTdOptions } from "../../src/lab/td-options.ts";
import { compareFresh, destroyTd } from "../../src/lab/teardown.ts";
import { session } from "../support/faulted-teardown.ts";
import { PATIENCE, runs } from "../support/sample.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { tally } from "../support/totals.ts";

const GIB = 2 ** 30;
const SMALL = resolveTdOptions({ memoryBytes: 64 * 1024, vcpus: 2 });

test(
  "a host that made and destroyed many TDs has all its pages and HKIDs again, and no more memory",
  async () => {
    const lives = runs(1000, 1_000_000);
    tally("E13", lives, "lives of TDs on one host");
    const program = join(temporaryDirectory("program"), "soak-process.mjs");
    await build({
      entryPoints: [fileURLToPath(new URL("./soak-process.ts", import.meta.url))],
      outfile: program,
      bundle: true,
      platform: "node",
      format: "esm",
      define: versionDefine,
      logLevel: "warning",
    });
    const args = ["--expose-gc", program, String(lives)];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const { grown, isAsBefore } = JSON.parse(stdout) as { grown: number; isAsBefore: boolean };
    console.info(`soak: ${lives} lives, resident memory grew by ${Math.round(grown / 1024)} KiB`);
    expect(isAsBefore).toBe(true);
    expect(grown).toBeLessThan(20 * 1024 * 1024);
  },
  PATIENCE,
);

describe("a host with n private KeyIDs", () => {
  const counts = Array.from({ length: 64 }, (_, i) => i + 1);

  test.each(counts)("of %d holds one TD fewer, and refuses the next", async (count) => {
    tally("E15", 1, "hosts with 1 to 64 private KeyIDs");
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
    if (count === 1) return;
    await destroyTd(host, "td-1", { strategy: "hint" }, session());
    await createTd(host, "one-more", options, session());
  });
});

test.each([400, 16 * 1024])(
  "%d GiB are counted exactly within two seconds",
  async (gib) => {
    tally("E12", 1, "TDs of 400 GiB and 16 TiB");
    const began = performance.now();
    const pages = (gib * GIB) / 4096;
    const tables = [512, 512 ** 2, 512 ** 3].reduce(
      (sum, size) => sum + Math.ceil(pages / size),
      0,
    );
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
    expect(performance.now() - began).toBeLessThan(2000);
  },
  20_000,
);
