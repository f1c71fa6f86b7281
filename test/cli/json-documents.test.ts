import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "../../src/cli/commands/index.ts";
import { Console } from "../../src/cli/console.ts";
import type { Cli } from "../../src/cli/invocation.ts";
import { buildProgram, defineCommand } from "../../src/cli/program.ts";
import { StopSignals } from "../../src/cli/signals.ts";
import { runCli } from "../support/cli.ts";
import { expectLinesToKeepToSchema, expectToKeepToSchema } from "../support/shipped-schemas.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { createStep, sequenceVector } from "../support/vectors.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const FIXTURES = join(ROOT, "fixtures");

/** The life of a TD, in this order and in one store; each command prints a document. */
const LIFE = [
  "list",
  "store check",
  "create web --memory 64M --vcpus 2 --page-size 2M",
  "populate web",
  "convert web --size 4M",
  "punch web --size 4K --at 16M",
  "show web",
  "compare web",
  "destroy web --hint",
  "show web",
  "list",
  "store check",
] as const;

/** What is printed besides, with the exit code; arguments are files of `fixtures`. */
const PRINTED: readonly (readonly [string, number])[] = [
  ["destroy --memory 1G --fault TDH.PHYMEM.PAGE.RECLAIM:OPERAND_BUSY@k=3", 0],
  ["compare --memory 1G --expect runtime.seamcalls.total<1", 1],
  ["compare --memory 1G --page-size 2M --what-if batch-track --what-if no-clear", 0],
  ["run scenarios/large-pages.yaml", 0],
  ["run scenarios/large-pages.yaml scenarios/pages-leak.yaml", 0],
  ["sweep --memory 1G,2G --vcpus 1,4", 0],
  ["sweep --memory 1G --what-if batch-track", 0],
  ["explain hint", 0],
  ["explain runtime --memory 400G --vcpus 64 --what-if batch-track", 0],
  ["explain terminate --kernel terminate-v4", 0],
  ["explain create", 0],
  ["explain populate --page-size 2M", 0],
  ["profile list", 0],
  ["profile show published-2025", 0],
  ["profile show silicon-build-2025", 0],
  ["profile check published-2025 profiles/silicon-build-2025.json", 0],
  ["profile check published-2025 published-measurements.json", 65],
  ["calibrate published-teardowns.csv", 0],
  ["import captures/exit-16g-4v.bpftrace.txt", 0],
  ["import captures/runtime-16g-4v.histogram.txt", 0],
  ["import captures/runtime-32g-8v.perf-stat.txt", 0],
  ["kernels", 0],
  ["kernels v6.16", 0],
  ["replay conformance/lifecycles.ndjson.gz", 0],
  ["leaves", 0],
  ["leaves --coverage conformance/lifecycles.ndjson.gz", 0],
  ["version", 0],
];

/** Full names of the commands that have JSON among their formats. */
async function commandsWithJson(): Promise<string[]> {
  const console = new Console(process.stdout, process.stderr, {});
  const cli: Cli = { console, signals: new StopSignals() };
  const program = buildProgram(cli, { onCommand: () => undefined });
  const names: string[] = [];
  for (const command of program.commands) {
    await defineCommand(command, cli);
    for (const each of [command, ...command.commands]) {
      const format = each.options.find(({ long }) => long === "--format");
      if (format?.argChoices?.includes("json") !== true) continue;
      names.push(each === command ? each.name() : `${command.name()} ${each.name()}`);
    }
  }
  return names;
}

test("every command that has JSON is asked for it here", async () => {
  const asked = [...LIFE, ...PRINTED.map(([command]) => command)];
  const names = await commandsWithJson();
  expect(names.length).toBeGreaterThan(COMMANDS.length / 2);
  for (const name of names) {
    const isAsked = asked.some((line) => line === name || line.startsWith(`${name} `));
    expect(isAsked, name).toBe(true);
  }
});

describe("what a command prints as JSON or NDJSON keeps to the schema in the package", () => {
  test("all through the life of a TD", async () => {
    const store = temporaryDirectory("store");
    const lines = join(temporaryDirectory("lines"), "lines.ndjson");
    for (const line of LIFE) {
      const args = [...line.split(" "), "--format", "json", "--export", `ndjson=${lines}`];
      const { code, stdout, stderr } = await runCli(args, { store });
      expect(code, `${line}: ${stderr}`).toBe(0);
      expectToKeepToSchema(stdout);
      expectLinesToKeepToSchema(readFileSync(lines, "utf8"));
    }
  });

  test.each(PRINTED)("%s", async (line, exitCode) => {
    const lines = join(temporaryDirectory("lines"), "lines.ndjson");
    const args = [...line.split(" "), "--format", "json", "--export", `ndjson=${lines}`];
    const { code, stdout, stderr } = await runCli(args, { cwd: FIXTURES });
    expect(code, stderr).toBe(exitCode);
    expectToKeepToSchema(stdout);
    expectLinesToKeepToSchema(readFileSync(lines, "utf8"));
  });

  test("where a scenario comes to no result", async () => {
    const crowded = { schema: "tdx-sim/scenario/v1", name: "crowded", platform: "small" };
    const input = JSON.stringify({ ...crowded, td: { memory: "64G", vcpus: 1 } });
    const { code, stdout } = await runCli(["run", "-", "--format", "json"], { input });
    expect(code).toBe(69);
    expectToKeepToSchema(stdout);
  });

  test("where rows bear no price", async () => {
    const cwd = temporaryDirectory("rows");
    const header = "vcpus,memory,pageSize,strategy,kernel,seconds";
    writeFileSync(join(cwd, "rows.csv"), `${header}\n4,16G,4K,exit,v16,21\n`);
    const one = await runCli(["calibrate", "rows.csv", "--format", "json"], { cwd });
    expect(one.code).toBe(65);
    expectToKeepToSchema(one.stdout);
  });

  test("where the store is damaged", async () => {
    const store = temporaryDirectory("store");
    await runCli(["create", "web", "--memory", "64M"], { store });
    const check = ["store", "check", "--format", "json"];
    const { generations } = JSON.parse((await runCli(check, { store })).stdout);
    writeFileSync(generations[0].file, "nothing of the kind");
    const { code, stdout } = await runCli(check, { store });
    expect(code).toBe(65);
    expectToKeepToSchema(stdout);
  });

  test("where a record differs", async () => {
    const record = sequenceVector([createStep({ out: { rax: "0x1" } })]);
    const input = `${JSON.stringify(record)}\n`;
    const { code, stdout } = await runCli(["replay", "-", "--format", "json"], { input });
    expect(code).toBe(1);
    expectToKeepToSchema(stdout);
  });

  test("in the files of --out", async () => {
    const cwd = temporaryDirectory("out");
    await runCli(["compare", "--memory", "1G", "--out", "kept"], { cwd });
    const kept = ["config.json", "result.json", "manifest.json"];
    for (const file of kept) expectToKeepToSchema(readFileSync(join(cwd, "kept", file), "utf8"));
  });

  test("in the files of --out of a sweep", async () => {
    const cwd = temporaryDirectory("out");
    await runCli(["sweep", "--memory", "1G,2G", "--platform", "hkids-15", "--out", "kept"], {
      cwd,
    });
    const kept = ["config.json", "result.json", "manifest.json"];
    for (const file of kept) expectToKeepToSchema(readFileSync(join(cwd, "kept", file), "utf8"));
  });

  test("in the profile that a calibration writes", async () => {
    const cwd = temporaryDirectory("profile");
    const rows = join(FIXTURES, "published-teardowns.csv");
    const { code } = await runCli(["calibrate", rows, "--output", "mine.json"], { cwd });
    expect(code).toBe(0);
    expectToKeepToSchema(readFileSync(join(cwd, "mine.json"), "utf8"));
  });
});
