/** What every command shares while it runs. */
import type { Command } from "commander";
import type { Profile } from "../cost/profile.ts";
import { RunStopped } from "../lab/drive.ts";
import type { Session } from "../lab/teardown.ts";
import { addCheckOption, type CheckOption, startChecking } from "./check-option.ts";
import type { Console, TalkOptions } from "./console.ts";
import { addFaultOptions, type FaultOptions, faultsOf } from "./fault-options.ts";
import { type OutputOptions, type Outputs, withOutputs } from "./outputs.ts";
import { parsedOption, wholeNumber } from "./parsed-option.ts";
import { loadProfile } from "./profile-option.ts";
import { type ProgressOption, startProgress } from "./progress.ts";
import { Interrupted, type StopSignals } from "./signals.ts";
import { inlineDeeply } from "./v8-flags.ts";
import { type WhatIfOptions, whatIfsOf } from "./what-if-options.ts";

/** The process as commands see it. */
export interface Cli {
  readonly console: Console;
  readonly signals: StopSignals;
  /** SEAMCALLs between two looks at the signals; as many as the port does unless said here. */
  readonly callsPerTurn?: number | undefined;
}

export interface GlobalOptions extends TalkOptions {
  readonly store?: string;
  readonly progress?: ProgressOption;
}

export interface RunOptions extends FaultOptions, CheckOption, WhatIfOptions {
  readonly step?: boolean;
  readonly seed?: number;
  readonly profile?: string | Profile;
}

/** Options of commands that run the emulator. */
export function addRunOptions(command: Command): void {
  command.optionsGroup("Run options:");
  command.option("--step", "make every SEAMCALL one by one");
  command.addOption(parsedOption("--seed <n>", "seed of what is random (default 1)", wholeNumber));
  command.option("--profile <name|file>", "cost profile for the estimated times");
  addCheckOption(command);
  addFaultOptions(command);
}

/**
 * Opens the outputs, runs `work` with a session that shows progress and can be interrupted, and
 * leaves no half-written output behind when it fails.
 */
export async function runSession(
  cli: Cli,
  options: GlobalOptions & RunOptions & OutputOptions & { readonly layout?: unknown },
  work: (session: Session, outputs: Outputs) => Promise<void>,
): Promise<void> {
  await withOutputs(cli.console, options, async (outputs) => {
    const progress = startProgress(cli.console, options.progress ?? "auto");
    const checking = startChecking(cli.console, options);
    try {
      // Of a fragmented TD nearly every SEAMCALL is made on its own too.
      if (options.step === true || options.layout === "alternate") inlineDeeply();
      const profile = await loadProfile(options.profile);
      cli.console.detail(`cost profile: ${profile.name}`);
      const seed = options.seed ?? 1;
      const session: Session = {
        step: options.step === true,
        seed,
        ...faultsOf(options, seed),
        ...checking.control,
        ...whatIfsOf(options),
        profile,
        onProgress: progress.onProgress,
        shouldStop: cli.signals.shouldStop,
        callsPerTurn: cli.callsPerTurn,
      };
      const deliver: Outputs["deliver"] = (render) => {
        progress.stop();
        checking.tell();
        return outputs.deliver(render);
      };
      await work(session, { ...outputs, deliver });
    } catch (error) {
      if (!(error instanceof RunStopped)) throw error;
      const signal = cli.signals.received ?? "SIGINT";
      throw new Interrupted(signal, "interrupted; nothing was stored");
    } finally {
      progress.stop();
    }
  });
}
