import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DEFAULT_PROFILE } from "../../src/cost/profiles/index.ts";
import { createTd } from "../../src/lab/lifecycle.ts";
import { SimulatedHost } from "../../src/lab/simulated-host.ts";
import { resolveTdOptions } from "../../src/lab/td-options.ts";
import { destroyTd } from "../../src/lab/teardown.ts";
import { Store } from "../../src/store/store.ts";
import { type CliOptions, type CliResult, runCli } from "../support/cli.ts";
import { PATIENCE, runs } from "../support/sample.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { tally } from "../support/totals.ts";

const TDS = 10_000;
const LIVE = 20;
/**
 * Processor time, which other programs of the machine lengthen less than they do the wait; once
 * more where they did.
 */
const LIST_SECONDS = 1;

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

interface Usage {
  /** Peak resident memory in MiB. */
  readonly memory: number;
  /** Processor time of all threads. */
  readonly seconds: number;
}

/** Linux's own VmHWM: getrusage's maxRSS is never less than what the tester held at the fork. */
const TELL_USAGE = `const { readFileSync, writeFileSync } = require("node:fs");
process.on("exit", () => {
  const status = readFileSync("/proc/self/status", "utf8");
  writeFileSync(process.env.REPORT, JSON.stringify({ status, cpu: process.cpuUsage() }));
});`;

/** What a command took of the machine, as its process told when it ended. */
async function usageOf(args: readonly string[], options: CliOptions): Promise<CliResult & Usage> {
  const directory = temporaryDirectory("usage");
  const [preload, report] = [join(directory, "usage.cjs"), join(directory, "usage.json")];
  writeFileSync(preload, TELL_USAGE);
  const env = { NODE_OPTIONS: `--require=${preload}`, REPORT: report };
  const result = await runCli(args, { ...options, env });
  const { status, cpu } = JSON.parse(readFileSync(report, "utf8"));
  const [, kib] = /^VmHWM:\s*(\d+) kB$/m.exec(status) ?? [];
  return { ...result, memory: Number(kib) / 1024, seconds: (cpu.user + cpu.system) / 1e6 };
}

test(
  "a store of 10,000 TDs is listed in a second and moderate memory, each TD with its state",
  async () => {
    tally("R16", TDS, "TDs listed");
    const store = await fullStore();
    const first = await usageOf(["list"], { store });
    const { code, stdout, memory } = first;
    expect(code).toBe(0);
    const rows = stdout.split("\n").filter((line) => /^(?:old|live)-/.test(line));
    expect(rows).toHaveLength(TDS);
    expect(rows.filter((line) => line.includes("destroyed"))).toHaveLength(TDS - LIVE);
    expect(memory).toBeLessThan(300);
    const isSlow = first.seconds >= LIST_SECONDS;
    const { seconds } = isSlow ? await usageOf(["list"], { store }) : first;
    expect(seconds).toBeLessThan(LIST_SECONDS);
  },
  PATIENCE,
);

test(
  "a trace of a million records is written in moderate memory",
  async () => {
    const records = runs(100_000, 1_000_000);
    tally("R16", records, "trace records");
    const cwd = temporaryDirectory("out");
    const args = [
      ...["trace", "--memory", "4G", "--strategy", "runtime"],
      ...["--max-events", String(records), "--export", "perfetto=trace.json"],
    ];
    const { code, memory } = await usageOf(args, { cwd });
    expect(code).toBe(0);
    const lines = readFileSync(join(cwd, "trace.json"), "latin1").split("\n");
    expect(lines.length).toBeGreaterThan(records);
    expect(memory).toBeLessThan(300);
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
