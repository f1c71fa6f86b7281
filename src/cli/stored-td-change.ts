import type { SimulatedHost } from "../lab/simulated-host.ts";
import type { TdReport } from "../lab/td-report.ts";
import type { Session } from "../lab/teardown.ts";
import { tdDocument } from "../report/documents/td.ts";
import { type Cli, type GlobalOptions, type RunOptions, runSession } from "./invocation.ts";
import type { OutputOptions } from "./outputs.ts";
import {
  changeHost,
  type Interruption,
  nextCommand,
  openStore,
  requireHost,
  storedTds,
} from "./stored-host.ts";
import { chooseStored } from "./td-target.ts";

/** What a command makes of one TD of the store. */
export interface TdChange {
  readonly command: string;
  readonly work: (host: SimulatedHost, name: string, session: Session) => Promise<TdReport>;
  /** What is left of it when it ends early, and the command that tells more or goes on. */
  readonly interruption: (name: string) => Interruption;
  /** The command to give next, without the TD's name. */
  readonly next: string;
}

/** Changes the TD named, else the one live TD of the store, and tells what it is then. */
export async function changeStoredTd(
  cli: Cli,
  name: string | undefined,
  options: GlobalOptions & RunOptions & OutputOptions,
  { command, work, interruption, next }: TdChange,
): Promise<void> {
  await runSession(cli, options, async (session, outputs) => {
    const store = openStore(cli, options, command);
    const chosen = chooseStored(name, storedTds(store));
    const report = await changeHost(
      cli,
      store,
      (stored) => requireHost(stored, chosen),
      (host) => work(host, chosen, session),
      interruption(chosen),
    );
    await outputs.deliver(tdDocument(report));
    cli.console.note(`next: ${nextCommand(options, `${next} ${report.name}`)}`);
  });
}
