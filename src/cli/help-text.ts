import type { Command } from "commander";

/**
 * Sets a command's long description, examples before anything else. Its lines are joined where
 * they do not end a sentence: how wide a terminal is, the help knows better than the source.
 */
export function describeCommand(
  command: Command,
  text: string,
  examples: readonly string[],
): Command {
  const lines = examples.map((example) => `  tdx-sim ${example}`);
  return command.description(
    [text.replace(/(?<![.:])\n/g, " "), "", "Examples:", ...lines].join("\n"),
  );
}
