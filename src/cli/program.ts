import { Command, Option } from "commander";
import { VERSION } from "../lab/version.ts";
import { COMMANDS } from "./commands/index.ts";
import type { Cli } from "./invocation.ts";

const DESCRIPTION = `Simulates how KVM makes an Intel TDX guest and tears it down: exact SEAMCALL
counts, honest time estimates, no TDX hardware.

Examples:
  tdx-sim compare --memory 400G --vcpus 64
  tdx-sim create web && tdx-sim populate web && tdx-sim destroy web --hint`;

/** Told by the program while it parses. */
export interface ProgramEvents {
  /** The subcommand at work is known: its full name, for example `store check`. */
  onCommand(name: string): void;
}

/**
 * The command tree. Commands are listed by name and summary; the options of one are declared
 * once it is asked for.
 */
export function buildProgram(cli: Cli, events: ProgramEvents): Command {
  const program = new Command("tdx-sim");
  program
    .description(DESCRIPTION)
    .usage("<command> [options]")
    .version(VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .helpCommand(false)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    // Errors are told in one place, and in one form: see failure-report.ts.
    .configureOutput({
      writeOut: (text) => void cli.console.print(text),
      writeErr: () => {},
      outputError: () => {},
      getOutHelpWidth: () => cli.console.width,
      getErrHelpWidth: () => cli.console.width,
    });
  addGlobalOptions(program);
  for (const { name, summary, group, isHidden = false } of COMMANDS) {
    program.command(name, { hidden: isHidden }).summary(summary).helpGroup(group);
  }
  program.hook("preSubcommand", async (parent, command) => {
    const path = parent === program ? command.name() : `${parent.name()} ${command.name()}`;
    events.onCommand(path);
    if (parent === program) await defineCommand(command, cli);
  });
  program.hook("preAction", () => cli.console.configure(program.opts()));
  return program;
}

/** Declares the rest of a command that `buildProgram` only listed, once. */
export async function defineCommand(command: Command, cli: Cli): Promise<void> {
  if (command.description() !== "") return;
  const entry = COMMANDS.find(({ name }) => name === command.name());
  if (entry === undefined) throw new Error(`no command ${command.name()}`);
  const { define } = await entry.load();
  define(command, cli);
}

function addGlobalOptions(program: Command): void {
  program.optionsGroup("Global options:");
  program.option("--store <dir>", "where TDs are kept (also TDX_SIM_STORE)");
  program.addOption(
    new Option("--color <when>", "colour of what is printed").choices(["auto", "always", "never"]),
  );
  program.option("--no-color", "the same as --color never");
  program.addOption(
    new Option("--progress <when>", "progress on stderr").choices(["auto", "always", "never"]),
  );
  program.option("-q, --quiet", "no notes and no progress");
  program.option(
    "-v, --verbose",
    "say on stderr what was resolved: TD, host, profile, store, files",
  );
}
