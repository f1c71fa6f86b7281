/** The manual page, made of the command tree: what `--help` says, and the help topics. */
import type { Command } from "commander";
import { VERSION } from "../lab/version.ts";
import { COMMANDS } from "./commands/index.ts";
import { Console } from "./console.ts";
import { HELP_TOPICS, helpTopic } from "./help-topics.ts";
import type { Cli } from "./invocation.ts";
import { buildProgram, defineCommand } from "./program.ts";
import { StopSignals } from "./signals.ts";

/** The page in man(7) macros. */
export async function manPage(): Promise<string> {
  const cli: Cli = {
    console: new Console(process.stdout, process.stderr, {}),
    signals: new StopSignals(),
  };
  const program = buildProgram(cli, { onCommand: () => {} });
  const shown = COMMANDS.filter(({ isHidden }) => isHidden !== true);
  const lines = [
    `.TH TDX-SIM 1 "" "tdx-sim ${VERSION}" "User Commands"`,
    ".SH NAME",
    "tdx-sim \\- simulates how KVM makes an Intel TDX guest and tears it down",
    ".SH SYNOPSIS",
    ".B tdx-sim",
    escaped("<command> [options]"),
    ".SH DESCRIPTION",
    ...paragraphs(program.description()),
    ".SH GLOBAL OPTIONS",
    ...optionLines(program),
    ".SH COMMANDS",
  ];
  for (const { name } of shown) {
    const command = program.commands.find((each) => each.name() === name);
    if (command === undefined) throw new Error(`no command ${name}`);
    await defineCommand(command, cli);
    lines.push(...commandLines(command, `tdx-sim ${name}`));
    for (const child of command.commands) {
      lines.push(...commandLines(child, `tdx-sim ${name} ${child.name()}`));
    }
  }
  for (const topic of Object.keys(HELP_TOPICS)) {
    const text = (await helpTopic(topic)) ?? "";
    const [, ...body] = text.trimEnd().split("\n");
    lines.push(`.SH ${topic.toUpperCase().replaceAll("-", " ")}`, ...preformatted(body));
  }
  return `${lines.join("\n")}\n`;
}

function commandLines(command: Command, name: string): string[] {
  return [
    `.SS "${escaped(`${name} ${command.usage()}`)}"`,
    ...paragraphs(command.description()),
    ...optionLines(command),
  ];
}

function optionLines(command: Command): string[] {
  const help = command.createHelp();
  return help
    .visibleOptions(command)
    .flatMap((option) => [
      ".TP",
      `.B ${escaped(help.optionTerm(option))}`,
      escaped(help.optionDescription(option).replace(/\s+/g, " ")),
    ]);
}

/** Text with its examples: what is indented stays as it stands. */
function paragraphs(text: string): string[] {
  return text.split("\n\n").flatMap((part) => {
    const lines = part.split("\n");
    const [first = "", ...rest] = lines;
    if (rest.length > 0 && rest.every((line) => line.startsWith("  "))) {
      return [".PP", escaped(first), ...preformatted(rest)];
    }
    return [".PP", ...lines.map(escaped)];
  });
}

function preformatted(lines: readonly string[]): string[] {
  return [".PP", ".nf", ...lines.map(escaped), ".fi"];
}

/** A line of text: backslashes and hyphens meant, and no request at its beginning. */
function escaped(text: string): string {
  const plain = text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll('"', "\\(dq");
  return /^[.']/.test(plain) ? `\\&${plain}` : plain;
}
