import type { Command, Option } from "commander";
import { BUILT_IN_PROFILES } from "../../cost/profiles/index.ts";
import { GENERATIONS, strategyNames } from "../../lab/kernels.ts";
import { PLATFORMS } from "../../lab/platforms.ts";
import { SCHEMA_NAMES } from "../../report/schema-names.ts";
import { describeCommand } from "../help-text.ts";
import { HELP_TOPICS } from "../help-topics.ts";
import type { Cli, GlobalOptions } from "../invocation.ts";
import { defineCommand } from "../program.ts";
import { openStore, storedTds } from "../stored-host.ts";
import { tdShapeNames } from "../td-shapes.ts";
import { COMMANDS } from "./index.ts";

/** What the scripts of `completion` call; not for people, and not in the help. */
export function define(command: Command, cli: Cli): void {
  describeCommand(command, "Propose words to a shell.", ["complete -- compare --platform ''"]);
  command.argument("[words...]", "the command line so far, the word at work last");
  command.action((words: string[]) => complete(command, cli, words));
}

/** Values of options that are no choices, by attribute name. */
const OPTION_VALUES: Readonly<Record<string, () => Iterable<string>>> = {
  kernel: () => GENERATIONS.keys(),
  platform: () => PLATFORMS.keys(),
  profile: () => BUILT_IN_PROFILES.keys(),
  strategy: strategyNames,
  td: tdShapeNames,
  pageSize: () => ["4K", "2M"],
};

/** Values of arguments by command and name; other arguments are files. */
function argumentValues(cli: Cli, command: string, name: string): (() => Iterable<string>) | null {
  if (name === "strategy") return strategyNames;
  if (command === "schema") return () => SCHEMA_NAMES;
  if (command === "help") {
    return () => [...COMMANDS.map((entry) => entry.name), ...Object.keys(HELP_TOPICS)];
  }
  if (name !== "name" || command === "create") return null;
  return () => {
    const options: GlobalOptions = {};
    return storedTds(openStore(cli, options, "complete")).map((td) => td.name);
  };
}

async function complete(command: Command, cli: Cli, words: readonly string[]): Promise<void> {
  const program = command.parent;
  if (program === null) throw new Error("complete is a subcommand");
  const { RootCommand } = await import("@bomb.sh/tab");
  const root = new RootCommand();
  addOptions(root, program);
  const [first] = words;
  for (const child of program.createHelp().visibleCommands(program)) {
    const node = root.command(child.name(), child.summary());
    // The options of one command are asked for, not those of all.
    if (child.name() !== first) continue;
    await defineCommand(child, cli);
    addOptions(node, child);
    addArguments(node, child, cli);
    for (const grandchild of child.commands) {
      const below = root.command(`${child.name()} ${grandchild.name()}`, grandchild.summary());
      addOptions(below, grandchild);
    }
  }
  root.parse([...words]);
}

type Proposer = (propose: (value: string, description: string) => void) => void;

interface Node {
  option(name: string, description: string, proposer?: Proposer | string, alias?: string): unknown;
  argument(name: string, proposer?: Proposer, isVariadic?: boolean): unknown;
}

function proposer(values: Iterable<string>): Proposer {
  return (propose) => {
    for (const value of values) propose(value, "");
  };
}

function addOptions(node: Node, command: Command): void {
  for (const option of command.createHelp().visibleOptions(command)) {
    const name = option.long?.slice(2);
    if (name === undefined) continue;
    const alias = option.short?.slice(1);
    const takesValue = option.required || option.optional;
    if (takesValue) node.option(name, plain(option), proposer(valuesOf(option)), alias);
    else node.option(name, plain(option), alias);
  }
}

function valuesOf(option: Option): Iterable<string> {
  return option.argChoices ?? OPTION_VALUES[option.attributeName()]?.() ?? [];
}

function plain(option: Option): string {
  return option.description.replace(/\s+/g, " ");
}

function addArguments(node: Node, command: Command, cli: Cli): void {
  for (const argument of command.registeredArguments) {
    const values =
      argument.argChoices ?? argumentValues(cli, command.name(), argument.name())?.() ?? null;
    const propose = values === null ? undefined : proposer(values);
    node.argument(argument.name(), propose, argument.variadic);
  }
}
