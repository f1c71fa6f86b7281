import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type CliResult, runCli } from "../support/cli.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const FIXTURES = new URL("../../fixtures/", import.meta.url).pathname;
const HEADER = "vcpus,memory,pageSize,strategy,kernel,seconds";
const GOOD = `${HEADER}\n4,16G,4K,exit,v16,21\n4,32G,4K,exit,v16,42.1\n8,64G,4K,exit,v16,84\n`;

function calibrate(input: string, ...args: string[]): Promise<CliResult> {
  return runCli(["calibrate", "-", ...args], { input });
}

describe("calibrate", () => {
  test("writes a profile that --profile takes, named after its file", async () => {
    const output = join(temporaryDirectory("calibrate"), "My Host.json");
    const done = await calibrate(GOOD, "--output", output);
    expect(done).toMatchObject({ code: 0, stderr: expect.stringContaining("--profile") });
    expect(JSON.parse(readFileSync(output, "utf8"))).toMatchObject({ name: "my-host" });
    expect(await runCli(["profile", "check", output])).toMatchObject({ code: 0 });
    const args = ["destroy", "--hint", "--memory", "32G", "--profile", output, "--format", "json"];
    const [entry] = JSON.parse((await runCli(args)).stdout).strategies;
    expect(entry.elapsedNs.mid / 42.1e9).toBeCloseTo(1, 1);
    expect(entry.elapsedNs).toMatchObject({ basis: "fitted", extrapolated: false });
  });

  test("tells measured, simulated, both errors, and what it could not tell", async () => {
    const { stdout } = await calibrate(GOOD);
    expect(stdout).toContain("measured 21 s, simulated 21 s (");
    expect(stdout).toMatch(/error [-+][\d.]+ %, left out [-+][\d.]+ %/);
    expect(stdout).toContain("page clear goes with TDH.PHYMEM.PAGE.RECLAIM of 4K in every row");
    expect(stdout).toContain("Standard error".toLowerCase());
  });

  test("has a JSON document and a row for each measurement", async () => {
    const json = JSON.parse((await calibrate(GOOD, "--format", "json")).stdout);
    expect(json).toMatchObject({ schema: "tdx-sim/calibration/v1", simulated: true });
    expect(json.rows).toHaveLength(3);
    const csv = (await calibrate(GOOD, "--format", "csv")).stdout.trimEnd().split("\n");
    expect(csv).toHaveLength(4);
    expect(csv[0]).toContain("measuredSeconds,simulatedNs.low,simulatedNs.mid,simulatedNs.high");
  });

  test("gives the same bytes for the same rows", async () => {
    const [first, second] = await Promise.all([calibrate(GOOD), calibrate(GOOD)]);
    expect(second?.stdout).toBe(first?.stdout);
  });

  test.each([
    ["too few rows", `${HEADER}\n4,16G,4K,exit,v16,21\n`, "only row"],
    ["rows", `${HEADER}\n4,16G,4K,exit,v16,2\n4,16G,4K,exit,v16,50\n`, "contradict"],
  ])("%s that bear no price are told, and no profile is written", async (_what, rows, why) => {
    const output = join(temporaryDirectory("calibrate"), "none.json");
    const { code, stdout, stderr } = await calibrate(rows, "--output", output);
    expect(code).toBe(65);
    expect(stdout).toContain("No profile: the rows bear no price");
    expect(stderr).toContain(why);
    expect(existsSync(output)).toBe(false);
  });

  test("an old profile stays when the rows bear none", async () => {
    const output = join(temporaryDirectory("calibrate"), "old.json");
    writeFileSync(output, "old");
    await calibrate(`${HEADER}\n4,16G,4K,exit,v16,21\n`, "--output", output);
    expect(readFileSync(output, "utf8")).toBe("old");
  });

  test("a bad path is found before the work", async () => {
    const { code, stdout } = await calibrate(GOOD, "--output", "/nowhere/at/all.json");
    expect({ code, stdout }).toEqual({ code: 73, stdout: "" });
  });

  test.each([
    [["calibrate", "./none.csv"], 66],
    [["calibrate"], 64],
    [["calibrate", "-", "--name", "Not A Name"], 64],
  ])("%j exits %d", async (args, code) => {
    expect(await runCli(args, { input: GOOD })).toMatchObject({ code });
  });

  test("bad rows exit 65 in one line with the place", async () => {
    const { code, stderr } = await calibrate(`${HEADER}\n4,16G,4K,exit,v16,soon\n`);
    expect(code).toBe(65);
    expect(stderr).toContain("tdx-sim: stdin line 2: seconds is no number\n");
  });
});

describe("import", () => {
  test("turns sample traces into rows that calibrate takes", async () => {
    const rows = [];
    for (const name of ["exit-16g-4v", "exit-64g-16v"]) {
      const file = `${FIXTURES}captures/${name}.bpftrace.txt`;
      const { code, stdout } = await runCli(["import", file, "--format", "csv"]);
      expect(code).toBe(0);
      rows.push(stdout);
    }
    const [first = "", second = ""] = rows;
    const both = first + second.slice(second.indexOf("\n") + 1);
    const { code, stdout } = await calibrate(both);
    expect(code).toBe(0);
    expect(stdout).toContain("TDH.PHYMEM.PAGE.RECLAIM of 4K\n    2.6 us a call");
  });

  test("hands JSON to calibrate through a pipe", async () => {
    const file = `${FIXTURES}captures/exit-16g-4v.bpftrace.txt`;
    const { stdout } = await runCli(["import", file, "--format", "json"]);
    expect(JSON.parse(stdout).schema).toBe("tdx-sim/capture/v1");
    const { stdout: table } = await calibrate(stdout);
    expect(table).toContain("stdin row 1: exit, 16 GiB, 4 vCPUs, 4K, v16");
  });

  test("takes the TD from options, over what the file says", async () => {
    const file = `${FIXTURES}captures/exit-16g-4v.bpftrace.txt`;
    const args = ["import", file, "--memory", "32G", "--format", "json"];
    const { stdout } = await runCli(args);
    expect(JSON.parse(stdout).rows[0].memory).toBe(2 ** 35);
    expect(JSON.parse(stdout).remarks[0]).toContain("50 % less");
  });

  test.each([
    ["what says nothing of a TD is wrong usage", "@elapsed_ns: 5\n", 64],
    ["what is no trace is bad data", "hello\n", 65],
    [
      "counts alone are bad data",
      "# vcpus: 4\n# memory: 1G\n# strategy: exit\n@calls[28]: 5\n",
      65,
    ],
  ])("%s", async (_what, input, code) => {
    expect(await runCli(["import", "-"], { input })).toMatchObject({ code, stdout: "" });
  });
});
