import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { type CliResult, runCli } from "../support/cli.ts";
import { PATIENCE } from "../support/sample.ts";
import { temporaryDirectory } from "../support/temporary.ts";

/** CONTRACT, "Exit codes", less those of signals and of our own bugs. */
const DOCUMENTED = [0, 1, 64, 65, 66, 69, 73, 74, 75, 78];
/** C0 but for the line feed, DEL, C1, and what turns text round or hides in it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get out
const RAW_CONTROLS = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069]/;

function expectCalm({ code, stdout, stderr }: CliResult, about: string): void {
  expect(DOCUMENTED, about).toContain(code);
  expect(stderr, about).not.toMatch(/^\s+at .*:\d+/m);
  expect(stdout + stderr, about).not.toMatch(RAW_CONTROLS);
  if (code !== 0) expect(stderr, about).toMatch(/^tdx-sim: /m);
}

describe("a TD name", () => {
  test.each([
    ...["..", "../up", "/etc", "a/b", "a\\b", "%2e%2e", "~", "-rf", "CON.", "a.", "a ", "A", "ä"],
    ...[
      "a\u0308",
      "\u202ea",
      "a\x1b[31m",
      "a\u200bb",
      "x".repeat(64),
      "x".repeat(256),
      "__proto__",
    ],
  ])("%j is refused, and nothing is written", async (name) => {
    const store = join(temporaryDirectory("outer"), "store");
    const result = await runCli(["create", "--memory", "64K", "--", name], { store });
    expect(result.code).toBe(64);
    expectCalm(result, name);
    expect(existsSync(store)).toBe(false);
    expect(readdirSync(dirname(store))).toEqual([]);
  });

  test.each(["constructor", "tostring", "valueof", "hasownproperty", "con", "nul"])(
    "%j is a name like any other",
    async (name) => {
      const store = temporaryDirectory("store");
      const shape = ["--memory", "64K", "--vcpus", "1"];
      expect((await runCli(["create", name, ...shape], { store })).code).toBe(0);
      expect((await runCli(["show", name], { store })).stdout).toContain(name);
      expect((await runCli(["show", `${name}s`], { store })).code).toBe(66);
    },
  );
});

test(
  "what a user typed is told back without its control bytes",
  async () => {
    const nasty = "x\x1b]0;owned\x07\x1b[2J\u009b31m\u202e\u2066";
    for (const args of [
      [nasty],
      ["show", nasty],
      ["compare", "--memory", nasty],
      ["compare", "--format", nasty],
      ["compare", "--profile", nasty],
      ["compare", "--kernel", nasty],
      ["compare", "--fault", `${nasty}:OPERAND_BUSY`],
      ["compare", "--fault", `TDH.MEM.TRACK:${nasty}`],
      ["replay", nasty],
      ["compare", "--export", `json=/nonexistent/${nasty}`],
    ]) {
      const result = await runCli(args);
      expect(result.code, JSON.stringify(args)).not.toBe(0);
      expectCalm(result, JSON.stringify(args));
    }
  },
  PATIENCE,
);
