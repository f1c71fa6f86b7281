/** What every command shares while it runs. */
import { type Command, Option } from "commander";
import type { Profile } from "../cost/profile.ts";
import { RunStopped } from "../lab/drive.ts";
import type { HostSnapshot } from "../lab/simulated-host.ts";
import { SimulatedHost } from "../lab/simulated-host.ts";
import type { Session } from "../lab/teardown.ts";
import { storeDirectory } from "../store/directory.ts";
import { Store } from "../store/store.ts";
import { Failure } from "../units/failure.ts";
import { addCheckOption, type CheckOption, startChecking } from "./check-option.ts";
import type { Console, TalkOptions } from "./console.ts";
import { addFaultOptions, type FaultOptions, faultsOf } from "./fault-options.ts";
import { type OutputOptions, type Outputs, openOutputs } from "./outputs.ts";
import { loadProfile } from "./profile-option.ts";
import { type ProgressOption, startProgress } from "./progress.ts";
import { Interrupted, type StopSignals } from "./signals.ts";
import { named, wholeNumber } from "./td-options.ts";
import type { StoredTd } from "./td-target.ts";
import { type WhatIfOptions, whatIfsOf } from "./what-if-options.ts";

/** The process as commands see it. */
export interface Cli {
  readonly console: Console;
  readonly signals: StopSignals;
  /** SEAMCALLs between two looks at the signals; as many as the port does unless said here. */
  readonly callsPerTurn?: number;
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
  const seed = new Option("--seed <n>", "seed of what is random (default 1)");
  command.addOption(seed.argParser(named("--seed <n>", wholeNumber)));
  command.option("--profile <name|file>", "cost profile for the estimated times");
  addCheckOption(command);
  addFaultOptions(command);
}

/** The store that the options and the environment name. */
export function openStore(cli: Cli, options: GlobalOptions, command: string): Store {
  const directory = storeDirectory({
    option: options.store,
    environment: cli.console.environment,
  });
  cli.console.detail(`store: ${directory}`);
  return new Store({
    directory,
    command,
    note: (text) => cli.console.note(`note: ${text}`),
    shouldStop: cli.signals.shouldStop,
  });
}

/**
 * The stored host, or null for an empty store.
 *
 * @throws Failure `data` for what no version wrote, though its checksum is right
 */
export function restoreHost(stored: unknown): SimulatedHost | null {
  if (stored === null) return null;
  try {
    return SimulatedHost.restore(stored as HostSnapshot);
  } catch (cause) {
    throw new Failure("data", "the store holds no host that tdx-sim wrote", {
      hint: "tdx-sim reset empties the store",
      cause,
    });
  }
}

export function storedTds(store: Store): readonly StoredTd[] {
  return restoreHost(store.read())?.names() ?? [];
}

/**
 * Opens the outputs, runs `work` with a session that shows progress and can be interrupted, and
 * leaves no half-written output behind when it fails.
 */
export async function runSession<T>(
  cli: Cli,
  options: GlobalOptions & RunOptions & OutputOptions & { readonly layout?: unknown },
  work: (session: Session, outputs: Outputs) => Promise<T>,
): Promise<T> {
  const outputs = openOutputs(cli.console, options);
  const progress = startProgress(cli.console, options.progress ?? "auto");
  const checking = startChecking(cli.console, options);
  try {
    // Of a fragmented TD nearly every SEAMCALL is made on its own too.
    const isSingly = options.step === true || options.layout === "alternate";
    if (isSingly) (await import("./deep-inlining.ts")).inlineDeeply();
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
      ...(cli.callsPerTurn === undefined ? {} : { callsPerTurn: cli.callsPerTurn }),
    };
    return await work(session, {
      ...outputs,
      deliver: (render) => {
        progress.stop();
        checking.tell();
        return outputs.deliver(render);
      },
    });
  } catch (error) {
    if (!(error instanceof RunStopped)) throw error;
    const signal = cli.signals.received ?? "SIGINT";
    throw new Interrupted(signal, "interrupted; nothing was stored");
  } finally {
    progress.stop();
    outputs.discard();
  }
}

/** How a change of the stored host is told when it ends early. */
export interface Interruption {
  readonly what: string;
  readonly hint: string;
}

/**
 * Changes the stored host. When the run is asked to stop, what was done until then is kept: the
 * host stands between two SEAMCALLs, from where another command goes on.
 *
 * @param open the host to change, of what is stored
 */
export async function changeHost<T>(
  cli: Cli,
  store: Store,
  open: (stored: SimulatedHost | null) => SimulatedHost,
  work: (host: SimulatedHost) => Promise<T>,
  interruption: Interruption,
): Promise<T> {
  const outcome = await store.update(async (stored) => {
    const host = open(restoreHost(stored));
    const value = await work(host).then(
      (done) => ({ done }),
      (error: unknown) => {
        if (error instanceof RunStopped) return null;
        throw error;
      },
    );
    return { host: host.snapshot(), value };
  });
  if (outcome !== null) return outcome.done;
  throw new Interrupted(cli.signals.received ?? "SIGINT", interruption.what, interruption.hint);
}

/** The command line of a next step, with the store that this one was given. */
export function nextCommand(options: GlobalOptions, command: string): string {
  const store = options.store === undefined ? "" : ` --store ${quoted(options.store)}`;
  return `tdx-sim ${command}${store}`;
}

function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
