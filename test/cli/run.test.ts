import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type CliResult, runCli } from "../support/cli.ts";
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

describe("--out", () => {
  const FILES = ["config.json", "manifest.json", "result.json"];

  function record(directory: string): string[] {
    return FILES.map((name) => readFileSync(join(directory, name), "utf8"));
  }

  async function expectTheSameAgain(first: string, code = 0): Promise<void> {
    const again = join(temporaryDirectory(), "again");
    const repeated = await runCli(["run", join(first, "config.json"), "--out", again]);
    expect(repeated.code).toBe(code);
    const [config, , result] = record(first);
    expect(record(again)[0]).toBe(config);
    expect(record(again)[2]).toBe(result);
  }

  test.each([
    ["compare", ["compare", "--memory", "64M", "--platform", "two-socket"]],
    ["destroy", ["destroy", "--memory", "64M", "--hint", "--seed", "7"]],
    ["run", ["run", GOOD, "--expect", "hint.end.pagesLeaked == 0"]],
    ["kernels side by side", ["compare", "--memory", "64M", "--kernel", "huge-pages,v16,v6.16"]],
    [
      "strategies that some kernels lack",
      [
        "compare",
        "--memory",
        "64M",
        "--kernel",
        "v16,terminate-v4",
        "--strategy",
        "hint,terminate",
      ],
    ],
  ])("of %s is a run that gives the same bytes again", async (_command, args) => {
    const first = join(temporaryDirectory(), "first");
    const printed = await runCli([...args, "--out", first, "--format", "json"]);
    expect(printed.code).toBe(0);
    expect(readFileSync(join(first, "result.json"), "utf8")).toBe(printed.stdout);
    await expectTheSameAgain(first);
  });

  test("of a trace is a run that gives the same bytes again", async () => {
    const first = join(temporaryDirectory(), "first");
    const expected = ["--expect", "hint.end.pagesLeaked == 1"];
    const { code } = await runCli(["trace", "--memory", "64M", ...expected, "--out", first]);
    expect(code).toBe(1);
    await expectTheSameAgain(first, 1);
  });

  test("keeps the baseline beside it", async () => {
    const directory = temporaryDirectory();
    const [base, first] = [join(directory, "base.json"), join(directory, "first")];
    const compare = ["compare", "--memory", "64M", "--strategy", "hint"];
    await runCli([...compare, "--export", `json=${base}`]);
    const bounds = ["--max-regression", "2.5%", "--max-regression", "seamcalls=0.3%"];
    const { code } = await runCli([...compare, "--baseline", base, ...bounds, "--out", first]);
    expect(code).toBe(0);
    const [config] = record(first);
    expect(JSON.parse(config ?? "")).toMatchObject({
      baseline: "baseline.json",
      maxRegression: ["2.5%", "seamcalls=0.3%"],
    });
    await expectTheSameAgain(first);
  });

  test("of a stored TD begins with the host that held it, whatever became of that", async () => {
    const [store, directory] = [temporaryDirectory("store"), temporaryDirectory()];
    const [compared, first] = [join(directory, "compared"), join(directory, "first")];
    for (const line of ["create web --memory 64M", "populate web", "punch web --size 4K"]) {
      await runCli(line.split(" "), { store });
    }
    const kernels = ["--kernel", "v16,v6.16"];
    expect((await runCli(["compare", "web", ...kernels, "--out", compared], { store })).code).toBe(
      0,
    );
    const destroy = ["destroy", "web", "--hint", "--what-if", "parallel=2"];
    expect((await runCli([...destroy, "--out", first], { store })).code).toBe(0);
    await expectTheSameAgain(compared);
    await expectTheSameAgain(first);
    expect(JSON.parse(record(first)[2] ?? "").td).toMatchObject({ name: "web", source: "store" });
  });

  test.each([
    ["damaged", (text: string) => text.replace('"tds"', '"tdz"'), "its checksum does not match"],
    ["another", () => "", "it is empty"],
  ])("of a stored TD whose host is %s is refused", async (_what, change, said) => {
    const [store, first] = [temporaryDirectory("store"), join(temporaryDirectory(), "first")];
    await runCli(["create", "web", "--memory", "64M"], { store });
    await runCli(["compare", "web", "--out", first], { store });
    const host = join(first, "host.store");
    writeFileSync(host, change(readFileSync(host, "utf8")));
    const { code, stderr } = await runCli(["run", join(first, "config.json")]);
    expect(code).toBe(65);
    expect(stderr).toMatch(
      /config\.json:\d+:\d+: recorded\.store: .*host\.store is no stored host/,
    );
    expect(stderr).toContain(said);
  });

  test("of several scenarios has a place for each", async () => {
    const directory = temporaryDirectory();
    await runCli(["run", GOOD, SECOND, "--out", directory]);
    expect(existsSync(join(directory, "large-pages/result.json"))).toBe(true);
  });

  test("says of what the result was made, and nothing of the machine", async () => {
    const directory = join(temporaryDirectory(), "out");
    await runCli(["destroy", "--memory", "64M", "--out", directory]);
    const manifest = JSON.parse(readFileSync(join(directory, "manifest.json"), "utf8"));
    expect(manifest).toEqual({
      schema: "tdx-sim/manifest/v1",
      simulated: true,
      version: expect.any(String),
      module: "1.5.01",
      profile: { name: "published-2025", sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      scenario: null,
      seed: 1,
      argv: ["destroy", "--memory", "64M", "--out", directory],
      files: { "config.json": expect.any(String), "result.json": expect.any(String) },
    });
  });
});

test("schema prints what the package ships", async () => {
  const shipped = fileURLToPath(new URL("../../dist/schema/result.json", import.meta.url));
  const { stdout } = await runCli(["schema", "result"]);
  expect(stdout).toBe(readFileSync(shipped, "utf8"));
  expect((await runCli(["schema"])).stdout.split("\n")).toContain("scenario");
});

describe("completion", () => {
  const proposals = ({ stdout }: CliResult): string[] =>
    stdout.split("\n").flatMap((line) => line.split("\t")[0] ?? []);

  test.each(["bash", "zsh", "fish"])("has a script for %s", async (shell) => {
    const { stdout, code } = await runCli(["completion", shell]);
    expect(code).toBe(0);
    expect(stdout).toContain("tdx-sim complete --");
  });

  test.each([
    ["comp", "compare"],
    ["compare --platform two", "two-socket"],
    ["compare --kernel term", "terminate-v4"],
    ["destroy --strategy h", "hint"],
    ["destroy --td published-64", "published-64x400"],
    ["help expec", "expectations"],
    ["store re", "repair"],
  ])("%s is completed to %s", async (words, proposed) => {
    const found = proposals(await runCli(["complete", "--", ...words.split(" ")]));
    expect(found).toContain(proposed);
  });

  test("knows the TDs of the store", async () => {
    const store = temporaryDirectory("store");
    await runCli(["create", "web", "--memory", "64M"], { store });
    expect(proposals(await runCli(["complete", "--", "destroy", "w"], { store }))).toContain("web");
  });
});
