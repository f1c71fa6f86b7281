import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const SCENARIOS = fileURLToPath(new URL("../../fixtures/scenarios", import.meta.url));
const GOOD = join(SCENARIOS, "hint-quarters-the-seamcalls.yaml");
const SECOND = join(SCENARIOS, "large-pages.yaml");

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
