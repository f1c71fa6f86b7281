import { Argument, type Command } from "commander";
import { describeCommand } from "../help-text.ts";
import type { Cli } from "../invocation.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

export function define(command: Command, _cli: Cli): void {
  describeCommand(
    command,
    "Print a script that completes commands, options and their values, TDs of the store too.",
    [
      "completion bash > ~/.local/share/bash-completion/completions/tdx-sim",
      'completion zsh > "$' + '{fpath[1]}/_tdx-sim"',
      "completion fish > ~/.config/fish/completions/tdx-sim.fish",
    ],
  );
  command.addArgument(new Argument("<shell>", "which shell").choices(SHELLS));
  command.action(async (shell: string) => {
    const { script } = await import("@bomb.sh/tab");
    script(shell, "tdx-sim", "tdx-sim");
  });
}
