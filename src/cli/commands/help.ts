import type { Command } from "commander";
import { Failure } from "../../units/failure.ts";
import { didYouMean } from "../../units/nearest.ts";
import { describeCommand } from "../help-text.ts";
import { HELP_TOPICS, helpTopic } from "../help-topics.ts";
import type { Cli } from "../invocation.ts";
import { defineCommand } from "../program.ts";

export function define(command: Command, cli: Cli): void {
  describeCommand(command, `Help for a command, or about ${topicNames().join(", ")}.`, [
    "help destroy",
    "help exit-codes",
  ]);
  command.argument("[command-or-topic...]", "what to explain");
  command.action((words: readonly string[]) => help(cli, root(command), words));
}

async function help(cli: Cli, program: Command, words: readonly string[]): Promise<void> {
  let command = program;
  for (const [depth, word] of words.entries()) {
    const topic = depth === 0 ? await helpTopic(word) : undefined;
    if (topic !== undefined) return cli.console.print(topic);
    const next = command.commands.find((candidate) => candidate.name() === word);
    if (next === undefined) throw unknownTopic(word, command);
    if (command === program) await defineCommand(next, cli);
    command = next;
  }
  await cli.console.print(command.helpInformation());
}

function unknownTopic(word: string, command: Command): Failure {
  const commands = command.createHelp().visibleCommands(command);
  const known = [...commands.map((candidate) => candidate.name()), ...topicNames()];
  return new Failure("usage", `there is no command or topic "${word}"`, {
    hint: didYouMean(word, known),
  });
}

function topicNames(): string[] {
  return Object.keys(HELP_TOPICS);
}

function root(command: Command): Command {
  return command.parent === null ? command : root(command.parent);
}
