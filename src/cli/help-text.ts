import type { Command } from "commander";

/** Sets a command's long description, examples before anything else. */
export function describeCommand(
  command: Command,
  text: string,
  examples: readonly string[],
): Command {
  const lines = examples.map((example) => `  tdx-sim ${example}`);
  return command.description([text, "", "Examples:", ...lines].join("\n"));
}
