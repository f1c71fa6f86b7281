import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "../../src/cli/commands/index.ts";
import { describeCommand } from "../../src/cli/help-text.ts";
import { runCli } from "../support/cli.ts";

describe("a command's description", () => {
  test("leaves the breaking of lines to the terminal, but begins one after a sentence", () => {
    const command = describeCommand(new Command("x"), "One\nline.\nAnother.", ["x"]);
    expect(command.description()).toBe("One line.\nAnother.\n\nExamples:\n  tdx-sim x");
  });
});

describe("an example in the help", () => {
  test.each(COMMANDS.map(({ name }) => name))("of %s fits a line of 80 columns", async (name) => {
    const { stdout } = await runCli([name, "--help"]);
    const examples = /^Examples:\n((?:.+\n)+)/m.exec(stdout)?.[1]?.trimEnd().split("\n") ?? [];
    expect(examples).not.toEqual([]);
    expect(examples.filter((line) => !line.startsWith("  tdx-sim "))).toEqual([]);
  });
});
