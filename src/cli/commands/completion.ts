import { Argument, type Command } from "commander";
import { COMPLETION_SCRIPTS } from "../completion-scripts.ts";
import { describeCommand } from "../help-text.ts";
import type { Cli } from "../invocation.ts";

export function define(command: Command, cli: Cli): void {
  describeCommand(
    command,
    "Print a script that completes commands, options and their values, TDs of the store too.",
    [
      "completion bash > ~/.local/share/bash-completion/completions/tdx-sim",
      'completion zsh > "$' + '{fpath[1]}/_tdx-sim"',
      "completion fish > ~/.config/fish/completions/tdx-sim.fish",
    ],
  );
  const shells = Object.keys(COMPLETION_SCRIPTS);
  command.addArgument(new Argument("<shell>", "which shell").choices(shells));
  command.action((shell: keyof typeof COMPLETION_SCRIPTS) =>
    cli.console.print(COMPLETION_SCRIPTS[shell]),
  );
}
