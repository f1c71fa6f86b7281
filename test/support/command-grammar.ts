import type { Argument, Command, Option } from "commander";
import { Console } from "../../src/cli/console.ts";
import { buildProgram, defineCommand } from "../../src/cli/program.ts";
import { StopSignals } from "../../src/cli/signals.ts";

/** A command as the program declares it, with every option that it takes. */
export interface CommandForm {
  /** For example `["store", "check"]`. */
  readonly words: readonly string[];
  readonly options: readonly Option[];
  readonly args: readonly Argument[];
}

/** Every command that the program has: what is added later is fuzzed as well. */
export async function commandForms(): Promise<CommandForm[]> {
  const console = new Console(process.stdout, process.stderr, {});
  const cli = { console, signals: new StopSignals() };
  const program = buildProgram(cli, { onCommand: () => undefined });
  const forms: CommandForm[] = [];
  for (const command of program.commands) {
    await defineCommand(command, cli);
    const below = command.commands.length === 0 ? [command] : command.commands;
    for (const each of below) {
      const words = each === command ? [each.name()] : [command.name(), each.name()];
      forms.push({ words, options: optionsOf(program, each), args: each.registeredArguments });
    }
  }
  return forms;
}

function optionsOf(program: Command, command: Command): Option[] {
  return [...program.options, ...command.options];
}
