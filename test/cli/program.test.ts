import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "../../src/cli/commands/index.ts";
import { tdShapeNames } from "../../src/cli/td-shapes.ts";
import { PLATFORMS } from "../../src/lab/platforms.ts";
import { WHAT_IFS } from "../../src/lab/what-if.ts";
import { runCli } from "../support/cli.ts";

const PACKAGE = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
) as { readonly version: string };

describe("the bare program", () => {
  test("shows its help on stdout, for a friendly first run", async () => {
    const { code, stdout, stderr } = await runCli([]);
    expect(code).toBe(0);
    expect(stdout).toContain("Usage: tdx-sim <command> [options]");
    expect(stderr).toBe("");
  });

  test("fits its help in 80 columns", async () => {
    const { stdout } = await runCli(["--help"]);
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });
});

describe("--version", () => {
  test.each(["--version", "-V"])("%s is the bare version of the package", async (flag) => {
    expect(await runCli([flag])).toMatchObject({
      code: 0,
      stdout: `${PACKAGE.version}\n`,
      stderr: "",
    });
  });

  test("as a command tells what is modelled too", async () => {
    const { code, stdout } = await runCli(["version", "--format", "json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ version: PACKAGE.version, module: "1.5.01" });
  });
});

describe("help", () => {
  test.each(COMMANDS.map(({ name }) => name))("of %s leads with examples", async (name) => {
    const [option, command] = await Promise.all([runCli([name, "--help"]), runCli(["help", name])]);
    expect(option).toMatchObject({ code: 0, stderr: "" });
    expect(option.stdout).toContain(`Examples:\n  tdx-sim ${name}`);
    expect(option.stdout.indexOf("Examples:")).toBeLessThan(option.stdout.indexOf("Options:"));
    expect(command).toEqual(option);
  });

  test("of a subcommand is found", async () => {
    const { code, stdout } = await runCli(["help", "store", "unlock"]);
    expect(code).toBe(0);
    expect(stdout).toContain("Usage: tdx-sim store unlock");
  });

  test("explains the exit codes", async () => {
    const { code, stdout } = await runCli(["help", "exit-codes"]);
    expect(code).toBe(0);
    for (const number of [0, 1, 64, 65, 66, 69, 70, 73, 74, 75, 78, 130, 143]) {
      expect(stdout).toMatch(new RegExp(`^ +${number}  `, "m"));
    }
  });

  test.each(["environment", "formats"])("explains %s", async (topic) => {
    expect(await runCli(["help", topic])).toMatchObject({ code: 0, stderr: "" });
  });

  test.each([
    ["td-shapes", tdShapeNames()],
    ["platforms", [...PLATFORMS.keys()]],
    ["what-ifs", Object.keys(WHAT_IFS)],
  ])("lists all %s", async (topic, names) => {
    const { stdout } = await runCli(["help", topic]);
    for (const name of names) expect(stdout).toMatch(new RegExp(`^  ${name}(?: |=N$|$)`, "m"));
  });
});
