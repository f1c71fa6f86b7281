import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, test } from "vitest";
import { type CliResult, LAUNCHER, runCli } from "../support/cli.ts";
import { temporaryDirectory } from "../support/temporary.ts";

/** How a shell without settings is asked what its completion proposes after these words. */
const ASK: Readonly<Record<string, (script: string, words: readonly string[]) => string[]>> = {
  bash: (script, words) => [
    ...["--norc", "--noprofile", "-c"],
    `. ${script}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tdx_sim; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ...["bash", ...words],
  ],
  // Its completion system needs a terminal; what it is told is printed instead.
  zsh: (script, words) => [
    ...["-f", "-c"],
    "compdef() {}; compset() {}; _files() { print -l *(N) };" +
      `_describe() { print -l -- "\${\${(P)3}[@]%%:*}" }; . ${script};` +
      `words=("$@"); CURRENT=$#words; _tdx-sim`,
    ...["zsh", ...words],
  ],
  fish: (script, words) => [
    ...["--no-config", "-c"],
    `source ${script}; complete -C (string join ' ' -- $argv) | string replace -r '\\t.*' ''`,
    ...words,
  ],
};

/** bash is everywhere that this is developed; the others are asked where they are installed. */
const SHELLS = Object.keys(ASK).filter((shell) => shell === "bash" || isInstalled(shell));

function isInstalled(program: string): boolean {
  const directories = (process.env["PATH"] ?? "").split(delimiter);
  return directories.some((directory) => existsSync(join(directory, program)));
}

async function proposed(shell: string, words: readonly string[]): Promise<string[]> {
  const cwd = temporaryDirectory("completion");
  const { stdout } = await runCli(["completion", shell]);
  writeFileSync(join(cwd, "script"), stdout);
  writeFileSync(join(cwd, "guard.yaml"), "");
  const program = join(temporaryDirectory("path"), "tdx-sim");
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${LAUNCHER}" "$@"\n`);
  chmodSync(program, 0o755);
  const result = spawnSync(shell, ASK[shell]?.(join(cwd, "script"), ["tdx-sim", ...words]) ?? [], {
    cwd,
    encoding: "utf8",
    timeout: 20_000,
    env: {
      PATH: [join(program, ".."), process.env["PATH"]].join(delimiter),
      HOME: temporaryDirectory("home"),
      TDX_SIM_STORE: temporaryDirectory("store"),
    },
  });
  expect(result.stderr).toBe("");
  return result.stdout.split("\n").filter((line) => line !== "");
}

describe.each(SHELLS)("completion in %s", (shell) => {
  test.each([
    ["a command", ["comp"], ["compare", "completion"]],
    ["the value of an option", ["compare", "--platform", "two"], ["two-socket"]],
    ["every value of an option", ["sweep", "--page-size", ""], ["4K", "2M"]],
  ])("proposes %s", async (_what, words, wanted) => {
    expect((await proposed(shell, words)).toSorted()).toEqual(wanted.toSorted());
  });

  test("proposes a value after =", async () => {
    const [only, ...others] = await proposed(
      shell,
      shell === "bash" ? ["compare", "--platform", "=", "two"] : ["compare", "--platform=two"],
    );
    expect(others).toEqual([]);
    expect(only?.replace("--platform=", "")).toBe("two-socket");
  });

  test("runs nothing that stands on the line", async () => {
    const words = ["compare", "'$(echo two)'", "--platform", "two"];
    expect(await proposed(shell, words)).toEqual(["two-socket"]);
  });
});

describe("completion", () => {
  const proposals = ({ stdout }: CliResult): string[] =>
    stdout.split("\n").flatMap((line) => line.split("\t")[0] ?? []);

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
