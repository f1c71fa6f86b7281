import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DEFAULT_PROFILE } from "../../src/cost/profiles/index.ts";
import { createTd } from "../../src/lab/lifecycle.ts";
import { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { resolveTdOptions } from "../../src/lab/td-options.ts";
import { destroyTd } from "../../src/lab/teardown.ts";
import { Store } from "../../src/store/store.ts";
import { runCli } from "../support/cli.ts";
import { PATIENCE } from "../support/sample.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const TDS = 10_000;
const LIVE = 20;

/** A store of many TDs: a few are made by the emulator, the others are copies under other names. */
async function fullStore(): Promise<string> {
  const options = resolveTdOptions({ memoryBytes: 64 * 1024, vcpus: 2 });
  const session = { step: false, profile: DEFAULT_PROFILE, seed: 1 };
  const host = SimulatedHost.boot(options);
  await createTd(host, "old", options, session);
  await destroyTd(host, "old", { strategy: "hint" }, session);
  for (let i = 0; i < LIVE; i++) await createTd(host, `live-${i}`, options, session);
  const snapshot = host.snapshot();
  const [old, ...live] = snapshot.tds;
  const copies = Array.from({ length: TDS - LIVE }, (_, i) => ({ ...old, name: `old-${i}` }));
  const directory = temporaryDirectory("store");
  const full = { ...snapshot, tds: [...copies, ...live] };
  await new Store({ directory, command: "test" }).update(async () => ({ host: full, value: 0 }));
  return directory;
}

/** Peak resident memory of a command in MiB, or null where the system does not tell. */
function peakMemory(args: readonly string[]): number | null {
  const time = spawnSync("/usr/bin/time", ["-f", "%M", process.execPath, ...args], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  const kib = Number(time.stderr?.trim().split("\n").at(-1));
  return time.status === 0 && Number.isFinite(kib) ? kib / 1024 : null;
}

test(
  "a store of 10,000 TDs is listed in moderate memory, each TD with its state",
  async () => {
    const store = await fullStore();
    const { code, stdout } = await runCli(["list"], { store });
    expect(code).toBe(0);
    const rows = stdout.split("\n").filter((line) => /^(?:old|live)-/.test(line));
    expect(rows).toHaveLength(TDS);
    expect(rows.filter((line) => line.includes("destroyed"))).toHaveLength(TDS - LIVE);
    const peak = peakMemory(["bin/tdx-sim.cjs", "list", "--store", store]);
    if (peak !== null) expect(peak).toBeLessThan(300);
  },
  PATIENCE,
);

test(
  "a command that makes one TD more leaves the others as they are",
  async () => {
    const store = await fullStore();
    const { code } = await runCli(["create", "new", "--memory", "64K"], { store });
    expect(code).toBe(0);
    const tdsOf = (file: string): unknown[] => {
      const [, payload = ""] = readFileSync(join(store, file), "utf8").split("\n");
      return (JSON.parse(payload) as { tds: unknown[] }).tds;
    };
    expect(readdirSync(store).filter((name) => name.startsWith("host."))).toHaveLength(2);
    expect(tdsOf("host.2.json").slice(0, TDS)).toEqual(tdsOf("host.1.json"));
  },
  PATIENCE,
);
