import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const FIXTURES = fileURLToPath(new URL("../../fixtures", import.meta.url));
const GOOD = join(FIXTURES, "scenarios/hint-quarters-the-seamcalls.yaml");
const SECOND = join(FIXTURES, "scenarios/large-pages.yaml");
const GUARD = join(FIXTURES, "regression/guard.yaml");

/** No host of that platform has so much memory. */
const CROWDED =
  "schema: tdx-sim/scenario/v1\nname: crowded\nplatform: small\ntd: { memory: 64G, vcpus: 1 }\n";

function fileWith(text: string, name = "scenario.yaml"): string {
  const path = join(temporaryDirectory(), name);
  writeFileSync(path, text);
  return path;
}

async function json(args: readonly string[]): Promise<unknown> {
  const { stdout } = await runCli([...args, "--format", "json", "--quiet"]);
  return JSON.parse(stdout);
}

describe("run", () => {
  test("of one scenario prints its result", async () => {
    const result = (await json(["run", GOOD])) as Record<string, unknown>;
    expect(result).toMatchObject({
      schema: "tdx-sim/result/v1",
      command: "run",
      scenario: { name: "hint-quarters-the-seamcalls" },
      td: { source: "scenario" },
    });
  });

  test("of several prints them in one document", async () => {
    const { schema, results } = (await json(["run", GOOD, SECOND])) as {
      schema: string;
      results: { scenario: { name: string } }[];
    };
    expect(schema).toBe("tdx-sim/run/v1");
    expect(results.map(({ scenario }) => scenario.name)).toEqual([
      "hint-quarters-the-seamcalls",
      "large-pages",
    ]);
  });

  test("takes stdin, JSON too", async () => {
    const scenario = { schema: "tdx-sim/scenario/v1", name: "piped", td: { memory: "64M" } };
    const input = JSON.stringify(scenario, null, "\t");
    const { code, stderr, stdout } = await runCli(["run", "-", "-f", "ndjson"], { input });
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout.trimEnd().split("\n")).toHaveLength(3);
  });

  test("exits 1 when a regression is caught, with both sides and every output written", async () => {
    const report = join(temporaryDirectory(), "report.xml");
    const args = ["run", GUARD, "--format", "tap", "--export", `junit=${report}`];
    const { code, stdout, stderr } = await runCli(args);
    expect(code).toBe(1);
    expect(stdout).toContain("not ok 1 - guard: runtime.seamcalls.total < 300000");
    expect(stderr).toBe(
      "failed: guard: runtime.seamcalls.total < 300000: 1049129 < 300000\n" +
        "tdx-sim: 1 of 1 expectations failed\n",
    );
    expect(readFileSync(report, "utf8")).toContain('failures="1"');
  });

  test("reads every file before it runs the first", async () => {
    const bad = fileWith("schema: tdx-sim/scenario/v1\nnam: x\n");
    const { code, stdout, stderr } = await runCli(["run", GOOD, bad]);
    expect(code).toBe(65);
    expect(stdout).toBe("");
    expect(stderr).toContain(`${bad}:2:1: nam: there is no key "nam" here`);
  });

  test("names the scenario and the step that the kernel refuses", async () => {
    const { code, stderr } = await runCli(["run", fileWith(CROWDED)]);
    expect(code).toBe(69);
    expect(stderr).toContain("crowded: steps[1] (populate td)");
    expect(stderr).toContain("ENOMEM");
  });

  test("reports the scenarios besides one that the kernel refuses, and exits as that one", async () => {
    const cwd = temporaryDirectory();
    const exports = ["junit", "tap", "github", "markdown"].flatMap((format) => [
      "--export",
      `${format}=${format}`,
    ]);
    const args = ["run", fileWith(CROWDED), GUARD, SECOND, "--out", "kept", "-f", "json"];
    const { code, stdout, stderr } = await runCli([...args, ...exports], { cwd });
    expect(code).toBe(69);
    expect(stderr).toMatch(/^failed: crowded: .*ENOMEM.*\nfailed: guard: .*\n/);
    expect(stderr).toMatch(/\ntdx-sim: 1 of 3 scenarios came to no result, 1 of \d+ expec.*\n$/);
    const { results, failed } = JSON.parse(stdout);
    expect(results).toHaveLength(2);
    expect(failed).toMatchObject([
      { scenario: { name: "crowded" }, error: { exitCode: 69, errno: "ENOMEM" } },
    ]);
    const report = (name: string): string => readFileSync(join(cwd, name), "utf8");
    expect(report("junit")).toMatch(/<testsuites .* failures="1" errors="1">/);
    expect(report("tap")).toContain("not ok 1 - crowded: comes to a result");
    expect(report("github")).toContain("::error title=tdx-sim%3A crowded::");
    expect(report("markdown")).toContain("scenario crowded: no result");
    expect(existsSync(join(cwd, "kept/large-pages/result.json"))).toBe(true);
    expect(existsSync(join(cwd, "kept/crowded/result.json"))).toBe(false);
  });

  test("draws one scenario, and refuses to draw several", async () => {
    const cwd = temporaryDirectory();
    const exports = ["--export", "svg=a.svg", "--export", "perfetto=a.json"];
    expect((await runCli(["run", SECOND, ...exports], { cwd })).code).toBe(0);
    expect(readFileSync(join(cwd, "a.svg"), "utf8")).toContain("<svg");
    expect(readFileSync(join(cwd, "a.json"), "utf8")).toContain("traceEvents");
    const { code, stderr } = await runCli(["run", SECOND, GUARD, ...exports], { cwd });
    expect(code).toBe(64);
    expect(stderr).toContain("svg draws one scenario, and there are 2");
  });

  test("leaves the file of a drawing as it was when there is nothing to draw", async () => {
    const cwd = temporaryDirectory();
    const args = ["run", fileWith(CROWDED), "--export", "svg=a.svg", "--export", "junit=a.xml"];
    expect((await runCli(args, { cwd })).code).toBe(69);
    expect(readdirSync(cwd)).toEqual(["a.xml"]);
  });

  test("adds Markdown to the summary of a GitHub job, and only for the format github", async () => {
    const summary = fileWith("before\n", "summary.md");
    const env = { GITHUB_STEP_SUMMARY: summary };
    await runCli(["run", GOOD, "--format", "json"], { env });
    expect(readFileSync(summary, "utf8")).toBe("before\n");
    await runCli(["run", GOOD, "--format", "github"], { env });
    expect(readFileSync(summary, "utf8")).toMatch(/^before\n\*\*SIMULATED/);
  });

  test("looks for what a scenario names beside it", async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "hosts"));
    const host = {
      schema: "tdx-sim/platform/v1",
      name: "lab",
      description: "a bench",
      source: "its firmware",
      privateKeyIds: { first: 32, count: 8 },
    };
    writeFileSync(join(directory, "hosts/lab.json"), JSON.stringify(host));
    const scenario = join(directory, "s.yaml");
    writeFileSync(
      scenario,
      "schema: tdx-sim/scenario/v1\nname: s\nplatform: hosts/lab.json\ntd: { memory: 64M }\n",
    );
    expect(await json(["run", scenario])).toMatchObject({ platform: { hkids: 7 } });
  });
});

describe("--expect", () => {
  const memory = ["--memory", "64M", "--vcpus", "1"];

  test.each([
    ["compare", "hint.seamcalls.total < runtime.seamcalls.total", 0],
    ["compare", "hint.seamcalls.total > runtime.seamcalls.total", 1],
    ["destroy", "runtime.end.pagesLeaked == 0", 0],
    ["destroy", "runtime.elapsedNs.high < 1ns", 1],
    ["sweep", "hint.end.hkidFree == true", 0],
    ["sweep", "hint.end.hkidFree == false", 1],
  ])("%s that %s exits %i", async (command, expectation, exit) => {
    const { code } = await runCli([command, ...memory, "--expect", expectation]);
    expect(code).toBe(exit);
  });

  test("that speaks of a strategy that is not run is refused before the work", async () => {
    const store = temporaryDirectory("store");
    await runCli(["create", "web", ...memory], { store });
    const args = ["destroy", "web", "--hint", "--expect", "runtime.end.pagesLeaked == 0"];
    const { code, stderr } = await runCli(args, { store });
    expect(code).toBe(64);
    expect(stderr).toContain("strategy runtime is not run");
    const { stdout } = await runCli(["list", "--format", "json"], { store });
    expect(JSON.parse(stdout)).toMatchObject([{ name: "web", destroyed: false }]);
  });

  test("tells how many of a sweep's points fail", async () => {
    const args = ["sweep", "--memory", "64M,128M,256M", "--strategy", "hint"];
    const { code, stderr } = await runCli([...args, "--expect", "hint.seamcalls.total < 40000"]);
    expect(code).toBe(1);
    expect(stderr).toContain("tdx-sim: 1 of 3 expectations failed");
  });
});

describe("--baseline", () => {
  const compare = ["compare", "--memory", "64M", "--strategy", "hint"];

  async function baseline(change: (text: string) => string = (text) => text): Promise<string> {
    const { stdout } = await runCli([...compare, "--format", "json"]);
    return fileWith(change(stdout), "base.json");
  }

  test("of the same run passes", async () => {
    expect((await runCli([...compare, "--baseline", await baseline()])).code).toBe(0);
  });

  test("that was better fails with the growth", async () => {
    const better = await baseline((text) => text.replaceAll('"total": 16457', '"total": 16000'));
    const { code, stderr } = await runCli([...compare, "--baseline", better]);
    expect(code).toBe(1);
    expect(stderr).toContain("hint@v16.seamcalls.total: 16000 before, 16457 now (+2.856 %)");
    const bound = ["--max-regression", "seamcalls=3%"];
    expect((await runCli([...compare, "--baseline", better, ...bound])).code).toBe(0);
  });

  test("stands in a scenario too, a file beside it", async () => {
    const path = await baseline((text) => text.replaceAll('"total": 16457', '"total": 16000'));
    const scenario = join(path, "../s.yaml");
    const lines = ["td: { memory: 64M }", "strategies: [hint]", "baseline: base.json", ""];
    const text = ["schema: tdx-sim/scenario/v1", "name: s", ...lines].join("\n");
    writeFileSync(scenario, text);
    const { code, stderr } = await runCli(["run", scenario]);
    expect(code).toBe(1);
    expect(stderr).toContain("hint@v16.seamcalls.total: 16000 before, 16457 now (+2.856 %)");
    writeFileSync(scenario, `${text}maxRegression: 3%\n`);
    expect((await runCli(["run", scenario])).code).toBe(0);
  });

  test("of another configuration is refused by name", async () => {
    const args = ["compare", "--memory", "64M", "--vcpus", "2", "--strategy", "hint"];
    const { code, stderr } = await runCli([...args, "--baseline", await baseline()]);
    expect(code).toBe(65);
    expect(stderr).toContain("td.vcpus is 4 there and 2 here");
  });
});

test("schema prints what the package ships", async () => {
  const shipped = fileURLToPath(new URL("../../dist/schema/result.json", import.meta.url));
  const { stdout } = await runCli(["schema", "result"]);
  expect(stdout).toBe(readFileSync(shipped, "utf8"));
  expect((await runCli(["schema"])).stdout.split("\n")).toContain("scenario");
});
