import { type Command, Option } from "commander";

export interface StrategyOptions {
  readonly strategy?: string;
  readonly hint?: boolean;
}

/**
 * `--strategy` and its short form; which strategies there are is the kernel generation's word.
 *
 * @param fallback what the command takes when neither is given
 */
export function addStrategyOptions(command: Command, fallback = "runtime"): void {
  command.optionsGroup("Strategy options:");
  command.addOption(
    new Option(
      "--strategy <strategy>",
      `how to tear down: runtime, exit, hint ... (default ${fallback})`,
    ),
  );
  command.addOption(
    new Option("--hint", "short for --strategy hint (KVM_TDX_RELEASE_VM)").conflicts("strategy"),
  );
}

/** The strategy that the options name, if they name one. */
export function namedStrategy({ strategy, hint }: StrategyOptions): string | undefined {
  return hint === true ? "hint" : strategy;
}
