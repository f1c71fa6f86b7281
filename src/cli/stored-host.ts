/** The simulated host of the store: read, looked through and changed. */
import { RunStopped } from "../lab/drive.ts";
import { type HostSnapshot, SimulatedHost } from "../lab/simulated-host.ts";
import { storeDirectory } from "../store/directory.ts";
import { Store } from "../store/store.ts";
import { Failure } from "../units/failure.ts";
import type { Cli, GlobalOptions } from "./invocation.ts";
import { Interrupted } from "./signals.ts";
import type { StoredTd } from "./td-target.ts";

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

/**
 * The host that holds this TD. What was chosen before the lock was taken may be gone by now.
 *
 * @throws Failure `no-input` when another command emptied the store meanwhile
 */
export function requireHost(host: SimulatedHost | null, name: string): SimulatedHost {
  if (host?.report(name) !== undefined) return host;
  throw new Failure("no-input", `there is no TD ${name} in the store`, {
    hint: "tdx-sim list shows what there is",
  });
}

export function storedTds(store: Store): readonly StoredTd[] {
  return restoreHost(store.read())?.names() ?? [];
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
