/** Copies of one TD torn down side by side: `compare` and `trace`. */
import type { Result } from "../lab/result.ts";
import { compareFresh, compareTd } from "../lab/teardown.ts";
import type { Store } from "../store/store.ts";
import type { DrawingOptions, Drawings } from "./drawing-options.ts";
import { type Cli, type GlobalOptions, type RunOptions, runSession } from "./invocation.ts";
import { freshTd } from "./resolved-td.ts";
import { openStore, requireHost, restoreHost, storedTds } from "./stored-host.ts";
import type { GivenTd } from "./td-options.ts";
import { chooseTarget } from "./td-target.ts";
import {
  plannedOn,
  type Repeatable,
  storedNow,
  type VerdictOptions,
  withVerdict,
} from "./verdict.ts";

export interface Comparison {
  readonly command: "compare" | "trace";
  /** Of a stored TD. */
  readonly name: string | undefined;
  readonly given: GivenTd;
  /** Null is the TD's own. */
  readonly kernels: readonly string[] | null;
  /** Null is every one of the kernel. */
  readonly strategies: readonly string[] | null;
  readonly drawings: Drawings;
}

export async function runComparison(
  cli: Cli,
  options: GlobalOptions & RunOptions & DrawingOptions & VerdictOptions,
  { command, name, given, kernels, strategies, drawings }: Comparison,
): Promise<void> {
  await runSession(cli, options, async (unwatched, outputs) => {
    const session = drawings.watch(unwatched);
    let store: Store | undefined;
    const stored = (): Store => (store ??= openStore(cli, options, command));
    const target = chooseTarget(name, given, () => storedTds(stored()));
    const request = { ...(strategies && { strategies }), ...(kernels && { kernels }) };
    await withVerdict(cli.console, options, async (verdict) => {
      let result: Result;
      let run: Repeatable | null = null;
      if (target.kind === "fresh") {
        const { source } = target;
        const td = freshTd(cli, target);
        run = { command, source, td, kernels: kernels ?? [td.kernel], strategies };
        verdict.check(plannedOn(run.kernels, strategies));
        result = await compareFresh(td, { ...request, source }, session);
      } else {
        const host = requireHost(restoreHost(stored().read()), target.name);
        const across = kernels ?? [host.report(target.name)?.kernel ?? ""];
        verdict.check(plannedOn(across, strategies));
        const now = verdict.isRecorded ? storedNow(host, target.name) : null;
        run = now && { command, ...now, kernels: across, strategies };
        result = await compareTd(host, target.name, request, session);
      }
      const judged = verdict.judge({ ...result, command });
      await outputs.deliver((target) => drawings.render(judged, session, target));
      await verdict.finish(judged, run, session);
    });
  });
}
